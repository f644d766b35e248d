import type { Clock } from '../../kernel/clock.ts'
import type { ProcessPart } from '../../kernel/lifecycle.ts'
import {
  type InstrumentsOf,
  instrumentsOf,
  type MetricCatalogue,
  type Metrics,
} from '../../kernel/metrics/metrics.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'

/** How far a member is with each of its partitions; the labels are its `group`, and `topic` and `partition`. */
export const progressMetricCatalogue = {
  lag: {
    kind: 'gauge',
    name: 'backstitch.group.lag',
    unit: '{message}',
    description: 'Offsets between what is finished and the end of the partition, as of the last fetch.',
  },
  oldestAge: {
    kind: 'gauge',
    name: 'backstitch.group.oldest.age',
    unit: 's',
    description:
      'How long ago the oldest message that was fetched and is not finished was published; 0 for none.',
  },
  unfinished: {
    kind: 'gauge',
    name: 'backstitch.group.unfinished',
    unit: '{message}',
    description: 'Messages that were fetched and are not finished.',
  },
  heldKeys: {
    kind: 'gauge',
    name: 'backstitch.group.held.keys',
    unit: '{key}',
    description: 'Keys that wait for the next try of a message.',
  },
} as const satisfies MetricCatalogue

/** What is measured of a partition. */
export type PartitionProgress = {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: bigint
  readonly machine: {
    readonly nextOffset: bigint | undefined
    readonly oldest: ReceivedRecord | undefined
    readonly count: number
    readonly heldCount: number
  }
}

type Gauges = InstrumentsOf<typeof progressMetricCatalogue>

const intervalMs = 1_000

/**
 * A member whose progress is measured each second while it runs. What it does not hold any more is not shown.
 *
 * @param progress of the partitions that are held just now
 */
export function withProgressGauges(
  member: ProcessPart,
  options: {
    readonly metrics: Metrics
    readonly group: string
    readonly clock: Clock
    readonly progress: () => Iterable<PartitionProgress>
  },
): ProcessPart {
  const { metrics, group, clock, progress } = options
  if (!metrics.isRecording) return member
  const stopping = new AbortController()
  const shown = new Map<string, Gauges>()

  const gaugesOf = ({ topic, partition }: PartitionProgress): Gauges => {
    const name = `${topic}/${partition}`
    const known = shown.get(name)
    if (known !== undefined) return known
    const made = instrumentsOf(metrics, progressMetricCatalogue, {
      group,
      topic,
      partition: String(partition),
    })
    shown.set(name, made)
    return made
  }
  const measure = (): void => {
    const nowMs = clock.now()
    const held = new Set<string>()
    for (const one of progress()) {
      const { topic, partition, highWatermark, machine } = one
      held.add(`${topic}/${partition}`)
      const gauges = gaugesOf(one)
      const lag = Number(highWatermark - (machine.nextOffset ?? highWatermark))
      gauges.lag.set(Math.max(0, lag))
      gauges.oldestAge.set(machine.oldest ? Math.max(0, nowMs - machine.oldest.timestampMs) / 1_000 : 0)
      gauges.unfinished.set(machine.count)
      gauges.heldKeys.set(machine.heldCount)
    }
    for (const [name, gauges] of shown) {
      if (held.has(name)) continue
      for (const gauge of Object.values(gauges)) gauge.set(undefined)
      shown.delete(name)
    }
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      measure()
      await clock.pause(intervalMs, stopping.signal)
    }
    measure()
  }

  return {
    ...member,
    start: async () => {
      await member.start()
      if (!stopping.signal.aborted) void run()
    },
    stop: async () => {
      await member.stop()
      stopping.abort()
    },
  }
}
