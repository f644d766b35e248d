import { expect, test } from 'vitest'
import { publishedOutbox } from './published-outbox.ts'
import { readByConsole } from './read-by-console.ts'
import { readByKafkajs } from './read-by-kafkajs.ts'
import { runSql } from './run-sql.ts'

const outbox = publishedOutbox()

/** JSON as people and other programs write it: what a parser would level out must arrive as it was written. */
const texts = {
  'white space': '{ "a" :\t1 ,\n\r\n  "b":[ ] }\n ',
  'the order of keys': '{"z":1,"a":2,"10":3,"9":4}',
  'a key twice': '{"a":1,"a":2}',
  'long numbers': '{"n":1.10,"e":1E+2,"big":12345678901234567890.123456789,"zero":-0}',
  emoji: '{"t":"🧵👩‍👩‍👧‍👦🏳️‍🌈"}',
  'right to left': '{"t":"שלום عليكم \u202e\u2067x\u2069"}',
  'combining signs, not composed': '{"t":"e\u0301 u\u0308 \u1100\u1161\u11a8"}',
  'composed signs': '{"t":"\u00e9 \u00fc \uac01"}',
  'a byte order mark, first and inside': '\ufeff{"t":"\ufeff"}',
  'line separators': '{"t":"\u2028\u2029\u0085"}',
  'non-characters and the last one': '{"t":"\uffff\ufdd0\u{10ffff}"}',
  'control characters but NUL': `{"t":"${String.fromCharCode(...Array.from({ length: 31 }, (_, n) => n + 1))}\u007f"}`,
  'escapes, of NUL and of half a pair too': String.raw`{"t":"\u0000\ud83d\u00e9\/\"\\"}`,
  'quotes of SQL': `{"t":"'' $$ $q$ \\ :name %s"}`,
  'no JSON at all': 'plain text',
  'an empty text': '',
}
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n))
/** Bytes that a decoder of UTF-8 would replace, shorten or refuse. */
const binaries = {
  'all values of a byte': allBytes,
  'all values, downwards': Buffer.from(allBytes.toReversed()),
  'halves of characters': Buffer.from('c3 28 e2 82 f0 9f 92 ed a0 80 c0 80 ff fe'.replaceAll(' ', ''), 'hex'),
  'no bytes': Buffer.alloc(0),
}
const keys = ['o-17', 'naïve ключ 鍵 🔑', ' spaces ', "o'brien;\\", 'e\u0301']

test('texts, bytes and keys arrive byte for byte, through the bare client and through Kafka’s own consumer', async () => {
  const { aggregateType, topic } = await outbox.newAggregateType()
  const rows = [
    ...Object.values(texts).map((text) => ({
      key: 'o-1',
      column: 'payload',
      sql: literal(text),
      value: Buffer.from(text),
    })),
    ...Object.values(binaries).map((bytes) => ({
      key: 'o-1',
      column: 'payload_binary',
      sql: `'\\x${bytes.toString('hex')}'::bytea`,
      value: bytes,
    })),
    ...keys.map((key) => ({ key, column: 'payload', sql: `'{}'`, value: Buffer.from('{}') })),
  ]
  await runSql(
    outbox.url(),
    rows
      .map(
        ({ key, column, sql }) =>
          `insert into backstitch.outbox (aggregatetype, aggregateid, type, ${column}) values ('${aggregateType}', ${literal(key)}, 'any', ${sql});\n`,
      )
      .join(''),
  )
  const wanted = rows.map(({ key, value }) => ({ key: Buffer.from(key), value }))
  const bare = await readByKafkajs(topic, rows.length)
  expect(bare.map(({ key, value }) => ({ key, value }))).toEqual(wanted)
  const printed = await readByConsole(topic, rows.length)
  expect(printed.map(({ key, value }) => ({ key, value }))).toEqual(wanted)
})

test('a body of a million bytes that are no text arrives byte for byte', async () => {
  const { aggregateType, topic } = await outbox.newAggregateType()
  // each byte follows from the ones before it, so that a piece that is lost or moved shows
  const large = Buffer.alloc(1_000_000)
  for (let n = 0, state = 12_345; n < large.length; n++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    large[n] = state >>> 24
  }
  await outbox
    .pool()
    .query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload_binary) values ($1, 'o-1', 'any', $2)`,
      [aggregateType, large],
    )
  const [record] = await readByKafkajs(topic, 1)
  expect(record?.value?.equals(large)).toBe(true)
})

/** A text as SQL, exactly as it is. */
function literal(text: string): string {
  return `$text$${text}$text$`
}
