import type { KafkaTransport } from 'backstitch'
import { expect, test } from 'vitest'
import { type Letter, World } from './world/world.ts'

type Header = readonly [name: string, value: string | Buffer]
type Sent = {
  readonly key: string | Buffer | null
  readonly value: string | Buffer | null
  readonly headers: readonly Header[]
}

const placed: readonly Header[] = [['type', 'order.placed']]
const id = '0198a1b2-0000-7000-8000-00000000000b'

/** Records that no consumer of the shop’s event can read, and what is said of each. */
const malformed: readonly {
  readonly what: string
  readonly sent: Sent
  readonly code: string
  readonly says: RegExp
}[] = [
  {
    what: 'no JSON',
    sent: { key: 'k', value: 'not {json', headers: placed },
    code: 'MESSAGE_MALFORMED',
    says: /order\.placed v1: .*JSON/,
  },
  {
    what: 'no UTF-8',
    sent: { key: Buffer.from([0xff, 0]), value: Buffer.from([0x22, 0xff, 0x22]), headers: placed },
    code: 'MESSAGE_MALFORMED',
    says: /order\.placed v1: /,
  },
  {
    what: 'no value',
    sent: { key: null, value: '', headers: placed },
    code: 'MESSAGE_MALFORMED',
    says: /order\.placed v1: /,
  },
  {
    what: 'another shape',
    sent: { key: 'k', value: '{"orderId":7}', headers: [...placed, ['id', id]] },
    code: 'MESSAGE_MALFORMED',
    says: /orderId: .*total: /,
  },
  {
    what: 'an id that is none',
    sent: { key: 'k', value: '{"orderId":"o-0","total":1}', headers: [...placed, ['id', 'first']] },
    code: 'MESSAGE_MALFORMED',
    says: /the header id holds "first"/,
  },
  {
    what: 'a version that is none',
    sent: { key: 'k', value: '{"orderId":"o-0","total":1}', headers: [...placed, ['version', 'x']] },
    code: 'MESSAGE_MALFORMED',
    says: /the header version holds "x"/,
  },
  {
    what: 'a header of ours with bytes',
    sent: {
      key: 'k',
      value: '{"orderId":"o-0","total":1}',
      headers: [...placed, ['correlation-id', Buffer.from('a\0b')], ['raw', Buffer.from([0xfe])]],
    },
    code: 'MESSAGE_MALFORMED',
    says: /the header correlation-id holds "a\\u0000b"/,
  },
  {
    what: 'a depth beyond the limit',
    sent: { key: 'k', value: `${'['.repeat(70)}${']'.repeat(70)}`, headers: placed },
    code: 'MESSAGE_TOO_LARGE',
    says: /nested deeper than 64 levels/,
  },
]

const publish = async (transport: KafkaTransport, topic: string, records: readonly Sent[]): Promise<void> => {
  const publisher = transport.publisher()
  await publisher.open()
  const result = await publisher.publish(
    records.map((record) => ({ ...record, topic, partition: 0 })),
    { deadlineMs: 10_000 },
  )
  expect(result).toEqual({ kind: 'acknowledged' })
  await publisher.close()
}

const well = (orderId: string): Sent => ({
  key: orderId,
  value: `{"orderId":"${orderId}","total":1}`,
  headers: placed,
})

test('a record that cannot be read becomes a dead letter with its bytes and the reason, and its partition goes on', async () => {
  const world = await World.open()
  await world.createTopics('order')
  const sent = malformed.map((one) => one.sent)
  await publish(world.transport, world.topicOf('order'), [
    well('first'),
    ...sent.flatMap((record, n) => [record, well(`after ${n}`)]),
  ])
  const consumer = world.consumer()
  await consumer.start()
  await expect
    .poll(async () => (await world.invoices()).toSorted(), { timeout: 20_000 })
    .toEqual([...sent.map((_, n) => `after ${n}`), 'first'])

  // keys do not wait for each other: the last letter may come after the last invoice
  await expect
    .poll(async () => (await world.deadLetters()).length, { timeout: 20_000 })
    .toBe(malformed.length)
  const letters = await world.deadLetters()
  for (const [n, { what, sent: record, code, says }] of malformed.entries()) {
    const letter = letters[n]
    expect(letter, what).toMatchObject({ reason_code: code, type: 'order.placed', attempts: 0, partition: 0 })
    expect(letter?.reason, what).toMatch(says)
    expect(letter?.reason, what).toMatch(
      /It was put among the dead letters with its bytes; correct its producer|Send a reference/,
    )
    expect(letter && bytesOf(letter), what).toEqual({
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value === null ? null : Buffer.from(record.value),
      headers: record.headers.map(([name, value]) => [name, Buffer.from(value)]),
    })
  }
  expect(letters.find(({ message_id }) => message_id === id)?.reason).toContain('orderId')
  await world.log.says({
    level: 'error',
    msg: 'put a message among the dead letters',
    code: 'MESSAGE_MALFORMED',
  })
  expect(consumer.health()).toEqual({ state: 'running' })
})

test('so does a command that cannot be read or is for nobody, at its participant', async () => {
  const world = await World.open()
  await world.createTopics('stock.command')
  const reserve: readonly Header[] = [['type', 'stock.reserve']]
  const value = '{"orderId":"o-1","total":1}'
  await publish(world.transport, world.topicOf('stock.command'), [
    { key: 'k', value: '[]', headers: reserve },
    { key: 'k', value, headers: [['type', 'stock.paint']] },
    { key: 'k', value, headers: [...reserve, ['reply-to', 'no topic!']] },
    { key: 'k', value: null, headers: reserve },
    { key: 'k', value, headers: [...reserve, ['reply-to', 'orchestrator.reply']] },
  ])
  await world.participant().start()
  const replies = async (): Promise<unknown[]> =>
    (await world.pool.query('select type, outcome from backstitch.outbox')).rows
  await expect.poll(replies, { timeout: 20_000 }).toEqual([{ type: 'stock.reserve.reply', outcome: 'ok' }])
  const letters = await world.deadLetters()
  expect(letters.map(({ reason_code }) => reason_code)).toEqual([
    'MESSAGE_MALFORMED',
    'HANDLER_MISSING',
    'MESSAGE_MALFORMED',
    'MESSAGE_MALFORMED',
  ])
  expect(letters[1]?.reason).toMatch(/"stock\.paint" v1 on .*stock\.command\. Register one with handle/)
})

function bytesOf({ message_key, payload, headers }: Letter) {
  return {
    key: message_key,
    value: payload,
    headers: headers.map(({ name, text, base64 }) => [
      name,
      text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text),
    ]),
  }
}
