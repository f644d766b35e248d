import { expect, test } from 'vitest'
import { publishedOutbox } from './published-outbox.ts'
import { readByConsole } from './read-by-console.ts'
import { runSql } from './run-sql.ts'

const outbox = publishedOutbox()

test('each column travels as a header of its own, and the free ones are spread', async () => {
  const { aggregateType, topic } = await outbox.newAggregateType()
  await runSql(
    outbox.url(),
    `insert into backstitch.outbox (id, aggregatetype, aggregateid, type, version, payload, content_type, headers, correlation_id,
       causation_id, traceparent, tracestate, saga_id, saga_name, saga_step, saga_round, saga_direction, saga_attempt, reply_to, outcome,
       expires_at, created_at)
     values ('0198a1b2-0000-7000-8000-000000000001', '${aggregateType}', 'o-1', 'stock.reserve', 3, '{}', 'application/vnd.shop+json',
       '{"tenant": "acme", "region": "grüezi:eu", "n": 7, "nested": {"a": [1, null]}, "flag": true, "none": null, "empty": "", "Type": "mine"}',
       'corr-1', 'cause-1', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'vendor=1',
       '0198a1b2-0000-7000-8000-000000000002', 'place-order', 'reserve', 2, 'undo', 4, 'orchestrator.reply', 'rejected.outOfStock',
       '2030-01-02 03:04:05.678901', '2026-11-23 10:20:30.123456');
     insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, headers)
     values ('${aggregateType}', 'o-1', 'order.placed', '{}', '{"id": "forged", "version": "9", "created-at": "1", "own": "kept"}');
     insert into backstitch.outbox (aggregatetype, aggregateid, type, payload, headers, expires_at)
     values ('${aggregateType}', 'o-1', 'order.placed', '{}', '["no object"]', 'infinity');`,
  )
  const [full, forged, odd] = await readByConsole(topic, 3)

  expect(Object.fromEntries(full?.headers ?? [])).toEqual({
    id: '0198a1b2-0000-7000-8000-000000000001',
    type: 'stock.reserve',
    version: '3',
    'created-at': `${Date.UTC(2026, 10, 23, 10, 20, 30) / 1_000}123456`,
    'content-type': 'application/vnd.shop+json',
    'correlation-id': 'corr-1',
    'causation-id': 'cause-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'vendor=1',
    'saga-id': '0198a1b2-0000-7000-8000-000000000002',
    'saga-name': 'place-order',
    'saga-step': 'reserve',
    'saga-round': '2',
    'saga-direction': 'undo',
    'saga-attempt': '4',
    'reply-to': 'orchestrator.reply',
    outcome: 'rejected.outOfStock',
    'expires-at': `${Date.UTC(2030, 0, 2, 3, 4, 5) / 1_000}678901`,
    tenant: 'acme',
    region: 'grüezi:eu',
    n: '7',
    nested: '{"a":[1,null]}',
    flag: 'true',
    empty: '',
    Type: 'mine',
  })

  // ours cannot be replaced: the id is what inboxes go by
  const names = (forged?.headers ?? []).map(([name]) => name)
  expect(names.toSorted()).toEqual(['created-at', 'id', 'own', 'type', 'version'])
  expect(Object.fromEntries(forged?.headers ?? [])).toMatchObject({ version: '1', own: 'kept' })
  expect(Object.fromEntries(forged?.headers ?? [])['id']).toMatch(/^[0-9a-f-]{36}$/)

  // what cannot be said on the wire is left out; the row is published all the same
  expect((odd?.headers ?? []).map(([name]) => name)).toEqual(['id', 'type', 'version', 'created-at'])
})
