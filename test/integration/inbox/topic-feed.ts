import { newId } from '../../../src/kernel/ids.ts'
import type { ProcessPart } from '../../../src/kernel/lifecycle.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'
import { onTestFinished } from 'vitest'

/** A record to publish. `id`: default a new one; `null`: none. */
export type Fed = {
  readonly topic: string
  readonly type?: string
  readonly id?: string | null
  readonly value: unknown
  /** Default: one of its own, the id. */
  readonly key?: string
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Publishes records, objects as JSON and buffers as they are, and gives their ids. */
export async function publish(transport: KafkaTransport, records: readonly Fed[]): Promise<string[]> {
  const publisher = transport.publisher()
  await publisher.open()
  const ids = records.map(({ id }) => (id === undefined ? newId() : (id ?? '')))
  const result = await publisher.publish(
    records.map(({ topic, type, value, key, partition = 0, headers = {} }, index) => ({
      topic,
      partition,
      key: key ?? (ids[index] || newId()),
      value: value === null || Buffer.isBuffer(value) ? value : JSON.stringify(value),
      headers: Object.entries({
        ...(ids[index] !== '' && { id: ids[index] ?? '' }),
        ...(type !== undefined && { type }),
        ...headers,
      }),
    })),
    { deadlineMs: 10_000 },
  )
  await publisher.close()
  if (result.kind !== 'acknowledged') throw new Error(`not published: ${JSON.stringify(result)}`)
  return ids
}

/** Starts parts, and stops them when the test has ended. */
export async function started(...parts: readonly ProcessPart[]): Promise<void> {
  onTestFinished(async () => void (await Promise.all(parts.map((part) => part.stop()))))
  await Promise.all(parts.map((part) => part.start()))
}

/** Resolves when the group has committed everything of a topic. */
export async function untilDrained(transport: KafkaTransport, group: string, topic: string): Promise<void> {
  const admin = transport.admin()
  await until(`${group} to drain ${topic}`, async () => {
    const [ends, committed] = await Promise.all([admin.endOffsets(topic), admin.groupOffsets(group, topic)])
    return ends.every((end, partition) => end === 0n || committed[partition] === end)
  })
  await admin.close()
}

/** Resolves when the condition holds; fails after 20 seconds. */
export async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
