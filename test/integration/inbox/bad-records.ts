import { newId } from '../../../src/kernel/ids.ts'
import type { Compression } from '../../../src/transport/compression.ts'

/** A record as a producer that knows nothing of backstitch, or wishes it ill, may send it. */
export type BadRecord = {
  readonly key?: string | Buffer | null
  readonly value: string | Buffer | null
  /** Beside the header `type`. */
  readonly headers?: readonly (readonly [name: string, value: string | Buffer])[]
  /** Default: now. */
  readonly timestampMs?: number
  readonly compression?: Compression
  /** What becomes of it: its name among the effects, a code among the dead letters, or nothing at all. */
  readonly becomes: { readonly effect: string } | { readonly letter: string } | 'nothing'
}

const type = ['type', 'order.placed'] as const
const good = (name: string): string => JSON.stringify({ name })
const effect = (name: string) => ({ value: good(name), becomes: { effect: name } })
const malformed = { letter: 'MESSAGE_MALFORMED' }
const tooLarge = { letter: 'MESSAGE_TOO_LARGE' }
const manyHeaders = Array.from({ length: 1_000 }, (_, n) => [`h${n}`, String(n)] as const)

/** Records by what is wrong with them. */
export const badRecords: Readonly<Record<string, BadRecord>> = {
  'a tombstone': { value: null, becomes: 'nothing' },
  'no bytes': { value: '', becomes: malformed },
  'no JSON': { value: 'not {json', becomes: malformed },
  'no UTF-8': { value: Buffer.from([0x22, 0xff, 0xfe, 0x22]), becomes: malformed },
  'half of JSON': { value: '{"name":"x', becomes: malformed },
  'JSON that says null': { value: 'null', becomes: malformed },
  'a byte order mark': { value: `\ufeff${good('bom')}`, becomes: { effect: 'bom' } },
  'the magic byte of a schema registry': {
    value: Buffer.from([0, 0, 0, 0, 7, 2, 0x6f]),
    becomes: malformed,
  },
  'the magic byte of nobody': { value: Buffer.from([0x0e, 0, 0, 0, 7]), becomes: malformed },
  'another content type': {
    value: Buffer.from([2, 0x6f]),
    headers: [type, ['content-type', 'application/avro']],
    becomes: malformed,
  },
  'a CloudEvent in Avro': {
    value: Buffer.from([2, 0x6f]),
    headers: [['content-type', 'application/cloudevents+avro']],
    becomes: malformed,
  },
  'a nesting of 10,000': { value: `${'['.repeat(10_000)}${']'.repeat(10_000)}`, becomes: tooLarge },
  'a nesting of 10,000 objects that never ends': { value: '{"a":'.repeat(10_000), becomes: tooLarge },
  'a million bytes': { value: good('x'.repeat(1_000_000)), becomes: tooLarge },
  '100,000 members': {
    value: `{"name":"members",${Array.from({ length: 80_000 }, (_, n) => `"${n}":0`).join(',')}}`,
    becomes: { effect: 'members' },
  },
  '1,000 headers': { ...effect('headers'), headers: [...manyHeaders, type] },
  '1,000 headers and no JSON': { value: 'x', headers: [...manyHeaders, type], becomes: malformed },
  'headers that come twice': {
    ...effect('twice'),
    headers: [['type', 'of another'], ['id', newId()], ['note', 'a'], type, ['id', newId()], ['note', 'b']],
  },
  'headers whose last one is for nobody': {
    value: '{}',
    headers: [type, ['type', 'of another']],
    becomes: 'nothing',
  },
  'headers with bytes and without a name': {
    ...effect('bytes'),
    headers: [type, ['', 'x'], ['raw', Buffer.from([0xff, 0])], ['empty', '']],
  },
  'a header __proto__': {
    ...effect('proto header'),
    headers: [type, ['__proto__', 'x'], ['constructor', 'y']],
  },
  'a member __proto__': {
    value: '{"name":"proto","__proto__":{"name":"polluted"},"constructor":{"prototype":{"polluted":1}}}',
    becomes: { effect: 'proto' },
  },
  'only a member __proto__': { value: '{"__proto__":{"name":"polluted"}}', becomes: malformed },
  'a member twice': { value: '{"name":"first","name":"last"}', becomes: { effect: 'last' } },
  'NUL in the body, which Postgres does not take': {
    value: '{"name":"\\u0000"}',
    becomes: { letter: 'HANDLER_FAILED' },
  },
  'NUL in key and headers': {
    ...effect('nul'),
    key: 'a\0b',
    headers: [type, ['note', 'a\0b'], ['no\0te', 'x']],
  },
  'NUL in a header of ours': {
    value: good('x'),
    headers: [type, ['correlation-id', 'a\0b']],
    becomes: malformed,
  },
  'NUL in the type': { value: good('x'), headers: [['type', 'order\0']], becomes: 'nothing' },
  'NUL everywhere and no JSON': {
    value: '\0',
    key: '\0',
    headers: [type, ['\0', '\0']],
    becomes: malformed,
  },
  'half of a surrogate pair': { value: '{"name":"\\ud83d"}', becomes: { effect: '\ufffd' } },
  'an id that is none': { value: good('x'), headers: [type, ['id', '17']], becomes: malformed },
  'a version that is none': { value: good('x'), headers: [type, ['version', '1.5']], becomes: malformed },
  'a version of the future': { value: '{}', headers: [type, ['version', '999']], becomes: 'nothing' },
  'a trace that is none': { ...effect('trace'), headers: [type, ['traceparent', '\r\n']] },
  'no key': { ...effect('no key'), key: null },
  'an empty key': { ...effect('empty key'), key: '' },
  'a key of bytes': { ...effect('binary key'), key: Buffer.from([0xff, 0xfe, 0]) },
  'a key of 64 KB': { ...effect('long key'), key: 'k'.repeat(65_536) },
  'a key of 64 KB and no JSON': { value: 'x', key: 'l'.repeat(65_536), becomes: malformed },
  'no timestamp': { ...effect('no timestamp'), timestampMs: -1 },
  'the first timestamp': { ...effect('first timestamp'), timestampMs: 0 },
  'a timestamp of the year 9999': { ...effect('9999'), timestampMs: 253_402_300_799_000 },
  'a timestamp after all times': { ...effect('after'), timestampMs: 2 ** 53 },
  'a time of creation before all times': {
    ...effect('early'),
    headers: [type, ['created-at', '-9999999999999999999']],
  },
  'an id of the year 10889': {
    ...effect('late id'),
    headers: [type, ['id', 'ffffffff-ffff-7fff-bfff-ffffffffffff']],
  },
  gzip: { ...effect('gzip'), compression: 'gzip' },
  snappy: { ...effect('snappy'), compression: 'snappy' },
  lz4: { ...effect('lz4'), compression: 'lz4' },
  zstd: { ...effect('zstd'), compression: 'zstd' },
}
