import { isReservedHeader } from '../../message/wire-headers.ts'
import { at } from '../source/outbox-tuple.ts'
import { firstOptional, optionalNames, sequenceHeaderName } from './header-columns.ts'
import { microseconds } from './microseconds.ts'

type Header = readonly [name: string, value: string]

/**
 * The headers of a row, in the order of the wire.
 * @param texts its columns, those from `headers` on at least
 * @param seq its place in the outbox, where that goes along
 */
export function headersOfTexts(texts: readonly (string | null)[], seq?: string): Header[] {
  const headers: Header[] = [
    ['id', texts[at.id] ?? ''],
    ['type', texts[at.type] ?? ''],
    ['version', texts[at.version] ?? ''],
  ]
  addTime(headers, 'created-at', texts[at.created_at])
  for (let index = 0; index < optionalNames.length; index++) {
    const value = texts[firstOptional + index]
    if (value !== null && value !== undefined) headers.push([optionalNames[index] ?? '', value])
  }
  addTime(headers, 'expires-at', texts[at.expires_at])
  const free = texts[at.headers]
  if (free !== null && free !== undefined) addFreeHeaders(headers, free)
  // last, so that it counts even where a free header has its name
  if (seq !== undefined) headers.push([sequenceHeaderName, seq])
  return headers
}

/** Our own API refuses reserved names; a plain `insert` that uses one does not get to replace ours. */
function addFreeHeaders(headers: Header[], json: string): void {
  const free: unknown = JSON.parse(json)
  if (typeof free !== 'object' || free === null || Array.isArray(free)) return
  for (const [name, value] of Object.entries(free)) {
    if (value === null || isReservedHeader(name)) continue
    headers.push([name, typeof value === 'string' ? value : JSON.stringify(value)])
  }
}

/** Postgres knows infinite times, the wire does not: such a header is left out. */
function addTime(headers: Header[], name: string, seconds: string | null | undefined): void {
  const value = seconds === null || seconds === undefined ? undefined : microseconds(seconds)
  if (value !== undefined) headers.push([name, value])
}
