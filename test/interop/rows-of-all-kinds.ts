/** Rows of the outbox by column: each column that becomes a header set in some and null in others, and bodies that are easily damaged. Rows with `payload_binary` or `headers` are not among them. */
export function rowsOfAllKinds(): Record<string, string | number | null>[] {
  const trace = {
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'vendor=a:1,other=ä',
  }
  const saga = {
    saga_id: '0198a1b2-0000-7000-8000-00000000002a',
    saga_name: 'place-order',
    saga_step: 'reserve',
    saga_round: 2,
    saga_direction: 'undo',
    saga_attempt: 3,
    correlation_id: '0198a1b2-0000-7000-8000-00000000002a',
    causation_id: '0198a1b2-0000-7000-8000-00000000002b',
  }
  const bodies = [
    '{"orderId":"o-17","total":1250}',
    '{ "b" : 1,\n\t"a" : 2, "b" : 1.0, "big": 12345678901234567890 }',
    '{"text":"Ünïcödé \\u0001 😀 \u2028"}',
    '"a text"',
    'not JSON at all, with "quotes" and \\ and \r\n',
    '',
    'null',
    `{"pad":"${'x'.repeat(200_000)}"}`,
  ]
  const order = (n: number): Record<string, string | number | null> => ({
    aggregatetype: 'order',
    aggregateid: `o-${n}`,
    type: 'order.placed',
  })
  return [
    ...bodies.map((payload, n) => ({ ...order(n), payload })),
    { ...order(1), payload: null },
    { ...order(1), payload: '1', id: '0198a1b2-0000-4000-8000-00000000002c', version: 7 },
    { ...order(2), payload: '2', ...trace, content_type: 'application/vnd.order+json' },
    { ...order(2), payload: '3', created_at: '1969-12-31 23:59:59.999999' },
    { ...order(2), payload: '4', created_at: '2026-11-24 11:12:13.123456', correlation_id: 'ü, "q"' },
    { ...order(3), aggregateid: 'ключ 😀', payload: '5' },
    {
      aggregatetype: 'stock.command',
      aggregateid: 'o-17',
      type: 'stock.reserve',
      payload: '{"sku":"a"}',
      reply_to: 'orchestrator.reply',
      expires_at: '2030-01-01 00:00:00.5',
      ...saga,
      ...trace,
    },
    {
      aggregatetype: 'orchestrator.reply',
      aggregateid: saga.saga_id,
      type: 'stock.reserve.reply',
      payload: '{"reservationId":"r-1"}',
      outcome: 'rejected.outOfStock',
      ...saga,
    },
    {
      aggregatetype: 'orchestrator.saga',
      aggregateid: 'o-17',
      type: 'saga.start',
      payload: '{"saga":"place-order","version":1,"key":"o-17","input":{}}',
    },
    ...Array.from({ length: 60 }, (_, n) => ({ ...order(n % 7), payload: `{"n":${n}}` })),
  ]
}
