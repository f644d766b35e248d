import { randomUUID } from 'node:crypto'
import { partitionOf } from 'backstitch/testing'
import { platformatic } from 'backstitch/platformatic'
import type { BenchWorld } from '../relay/bench-world.ts'

const recordsPerPublish = 1_000
const publishesUnderWay = 3
const bodyPad = 'x'.repeat(270)

/** How the events of a topic are spread. */
export type EventsOfTopic = { readonly records: number; readonly keys: number }

/**
 * Makes a topic with events of 300 bytes over so many keys in turn, with the headers that a relay sends. `n` counts them, `account` is the row
 * that the effect updates. Ids are those of version 7 that a writer would have given within some seconds.
 * @returns the prefix of the topic
 */
export async function topicOfEvents(world: BenchWorld, { records, keys }: EventsOfTopic): Promise<string> {
  const topicPrefix = await world.newTopic()
  const topic = `${topicPrefix}bench`
  const publisher = platformatic({ brokers: world.brokers }).publisher()
  await publisher.open()
  try {
    const partitions = (await publisher.partitionCount(topic)) ?? 0
    const beganAtMs = Date.now() - 60_000
    const underWay: Promise<void>[] = []
    for (let from = 0; from < records; from += recordsPerPublish) {
      const batch = Array.from({ length: Math.min(recordsPerPublish, records - from) }, (_, at) =>
        recordOf(topic, partitions, from + at, keys, beganAtMs),
      )
      underWay.push(
        publisher.publish(batch, { deadlineMs: 30_000 }).then((result) => {
          if (result.kind !== 'acknowledged')
            throw new Error(`the topic could not be filled: ${JSON.stringify(result)}`)
        }),
      )
      if (underWay.length >= publishesUnderWay) await underWay.shift()
    }
    await Promise.all(underWay)
  } finally {
    await publisher.close()
  }
  return topicPrefix
}

function recordOf(topic: string, partitions: number, n: number, keys: number, beganAtMs: number) {
  const key = `key-${(n * 7919) % keys}`
  const atMs = beganAtMs + Math.floor(n / 100)
  return {
    topic,
    partition: partitionOf(Buffer.from(key), partitions),
    key,
    value: `{"n":${n},"account":${(n * 7919) % 10_000},"pad":"${bodyPad}"}`,
    headers: [
      ['id', idOf(atMs)],
      ['type', 'bench.happened'],
      ['version', '1'],
      ['created-at', `${atMs}000`],
    ] as const,
  }
}

/** A UUID of version 7 with this time. */
function idOf(atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}
