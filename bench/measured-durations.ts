import type { Metrics } from 'backstitch'

const names: Readonly<Record<string, string>> = {
  'backstitch.relay.look.duration': 'a look at the outbox',
  'backstitch.relay.checkpoint.duration': 'saving a checkpoint',
}

/** Metrics that keep every look and every save of a relay, in ms and in their order; those of the first seconds are left out. */
export function measuredDurations(warmUpMs: number): {
  readonly metrics: Metrics
  readonly durations: Readonly<Record<string, number[]>>
} {
  const durations: Record<string, number[]> = {}
  const beganAtMs = performance.now()
  const ignore = (): void => undefined
  return {
    durations,
    metrics: {
      isRecording: true,
      counter: () => ({ add: ignore }),
      gauge: () => ({ set: ignore }),
      histogram: ({ name }) => {
        const what = names[name]
        if (what === undefined) return { record: ignore }
        const values = (durations[what] ??= [])
        return {
          record: (seconds) => {
            if (performance.now() - beganAtMs > warmUpMs) values.push(seconds * 1000)
          },
        }
      },
    },
  }
}
