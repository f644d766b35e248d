import type { MetricDefinition } from '../kernel/metrics/metrics.ts'

const unitWords: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '1': 'ratio' }

/** A metric’s name as Prometheus has it: no dots, its unit in words (what is in braces is no unit), and `_total` behind a counter. */
export function prometheusName({ name, unit, kind }: MetricDefinition): string {
  const word = unitWords[unit]
  return [name.replaceAll(/[^a-zA-Z0-9_:]/g, '_'), ...(word === undefined ? [] : [word])]
    .concat(kind === 'counter' ? ['total'] : [])
    .join('_')
}
