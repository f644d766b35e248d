import { BackstitchError } from './errors.ts'

/** A length of time as people write it in a definition: `'30s'`, `'1.5h'`, `'200ms'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitsMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Turns a {@link Duration} into milliseconds.
 * @throws `CONFIG_INVALID` when the text is no duration of at least a millisecond, or too long to count in them
 */
export function durationMs(text: Duration): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const ms = Math.round(Number(match?.[1]) * (unitsMs[match?.[2] ?? ''] ?? Number.NaN))
  if (!Number.isSafeInteger(ms) || ms < 1)
    throw new BackstitchError('CONFIG_INVALID', `"${text}" is no duration such as "30s"`)
  return ms
}
