/**
 * Seconds with up to six decimals, as a float’s shortest text, in whole microseconds, without going through a float: `1700000000.12` is
 * `1700000000120000`. `undefined` for an infinite time: Postgres knows them, the wire does not.
 */
export function microseconds(seconds: string): string | undefined {
  const point = seconds.indexOf('.')
  if (point > 2) return `${seconds.slice(0, point)}${seconds.slice(point + 1, point + 7).padEnd(6, '0')}`
  if (/^-?\d+$/.test(seconds)) return String(BigInt(seconds) * 1_000_000n)
  // within 100 seconds of 1970: a zero before the point, or an exponent, and few enough digits for a float
  const near = Number(seconds)
  return Number.isFinite(near) ? String(Math.round(near * 1_000_000)) : undefined
}
