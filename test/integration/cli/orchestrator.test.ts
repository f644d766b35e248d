import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../../support/services.ts'
import { backstitch, type CommandResult, startBackstitch } from './backstitch-process.ts'
import { placeOrder } from './shop/backstitch.config.ts'

let environment: Record<string, string>
let pool: Pool
beforeAll(async () => {
  const { url } = await createDatabase()
  environment = {
    DATABASE_URL_ORDERS: url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: uniqueTopicPrefix(),
  }
  pool = new Pool({ connectionString: url })
})
afterAll(() => pool.end())

const start = async (orderId: string): Promise<string> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { id } = await placeOrder.start(client, { orderId })
    await client.query('commit')
    return id
  } finally {
    client.release()
  }
}

const saga = (...words: string[]): Promise<CommandResult> => backstitch(['saga', ...words], environment)

describe('a database without tables', () => {
  test('is refused at the start, with what to do', async () => {
    const { code, err } = await backstitch(['orchestrator'], environment)
    expect(code).toBe(1)
    expect(err).toMatch(/^SCHEMA_MISSING: .* Run `backstitch migrate`/)
  })

  test('has no sagas to list', async () => {
    const { code, err } = await saga('list')
    expect(code).toBe(1)
    expect(err).toMatch(/^SCHEMA_MISSING: /)
  })
})

describe('with tables and topics', () => {
  beforeAll(async () => {
    expect((await backstitch(['migrate', '--database', 'orders'], environment)).code).toBe(0)
    expect((await backstitch(['topics', 'apply'], environment)).code).toBe(0)
  })

  test('the orchestrator runs until SIGTERM and ends with 0', async () => {
    const running = startBackstitch(['orchestrator'], { environment })
    await running.says('"msg":"started"')
    running.process.kill('SIGTERM')
    const { code, out, err } = await running.ended
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { msg: string })
    expect(lines.map(({ msg }) => msg)).toContain('draining; a second signal ends at once')
    expect(lines.at(-1)?.msg).toBe('stopped')
  })

  test('the orchestrator waits for a broker that is not there, says so, and still ends by SIGINT', async () => {
    const running = startBackstitch(['orchestrator', '--brokers', '127.0.0.1:1'], { environment })
    await running.says('waits for a server')
    running.process.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
  })

  test('sagas are listed, shown by id and by business key, and not found with 4', async () => {
    const id = await start('o-1')
    const list = await saga('list', '-o', 'json')
    expect({ code: list.code, err: list.err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(list.out)).toMatchObject([
      { id, name: 'place-order', businessKey: 'o-1', status: 'running' },
    ])
    expect((await saga('list', '--status', 'parked')).out.trim().split('\n')).toHaveLength(1)

    const shown = await saga('show', id)
    expect(shown.out).toMatch(/^key: +o-1$/m)
    expect(shown.out).toMatch(/ sent +reserve +do +1 +1 /)
    expect(await saga('show', 'place-order/o-1')).toEqual(shown)
    expect(JSON.parse((await saga('show', id, '--output', 'json')).out)).toMatchObject({
      id,
      state: { status: 'running', input: { orderId: 'o-1' } },
    })

    for (const unknown of ['place-order/o-2', '0192f0c1-5a5e-7c3f-9d3c-3b1f1f6b8a11', 'nonsense']) {
      const { code, err } = await saga('show', unknown)
      expect(code).toBe(4)
      expect(err).toMatch(/^SAGA_NOT_FOUND: /)
    }
  })

  test('a saga whose state nobody can read is shown all the same', async () => {
    const id = await start('o-unreadable')
    await pool.query(`update backstitch.saga_instance set state = '{"cut' where id = $1`, [id])
    await pool.query(`update backstitch.saga_history set detail = '{"cut' where saga_id = $1`, [id])
    const shown = await saga('show', id)
    expect({ code: shown.code, err: shown.err }).toEqual({ code: 0, err: '' })
    expect(shown.out).toMatch(/^key: +o-unreadable$/m)
    const asJson = JSON.parse((await saga('show', id, '-o', 'json')).out) as { history: object[] }
    expect(asJson).toMatchObject({ id, state: '{"cut' })
    expect(asJson.history).toMatchObject([{ kind: 'started', detail: '{"cut' }, { detail: '{"cut' }])
  })

  test('a parked saga is retried with a reason, a running one is refused with 5', async () => {
    const id = await start('o-3')
    const withoutReason = await saga('retry', id)
    expect(withoutReason.code).toBe(2)
    expect(withoutReason.err).toContain("required option '--reason <text>' not specified")

    const refused = await saga('retry', id, '--reason', 'try', '--actor', 'ann')
    expect(refused.code).toBe(5)
    expect(refused.err).toMatch(/^SAGA_STATE_REFUSES: /)

    // As if its command had gone unanswered for all its attempts.
    await pool.query(
      `update backstitch.saga_instance set status = 'parked', reason = 'no answer',
         state = jsonb_set(jsonb_set(state::jsonb, '{status}', '"parked"'), '{steps,reserve,do,status}', '"unknown"')::text
       where id = $1`,
      [id],
    )
    expect((await saga('list', '--status', 'parked', '-o', 'json')).out).toContain(id)
    const retried = await saga(
      'retry',
      'place-order/o-3',
      '--reason',
      'stock is back',
      '--actor',
      'ann',
      '-o',
      'json',
    )
    expect({ code: retried.code, err: retried.err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(retried.out)).toMatchObject({ id, status: 'running' })
    const { rows } = await pool.query<{ detail: string }>(
      `select detail from backstitch.saga_history where saga_id = $1 and kind = 'retried'`,
      [id],
    )
    expect(rows.map(({ detail }) => JSON.parse(detail) as unknown)).toMatchObject([
      { actor: 'ann', reason: 'stock is back' },
    ])
  })

  test('a saga is held, resumed, cancelled, and ended by hand; what does not fit is refused', async () => {
    const id = await start('o-4')
    const why = ['--reason', 'asked by the customer', '--actor', 'ann', '--json'] as const
    const act = async (verb: string, ...words: string[]): Promise<CommandResult> =>
      saga(verb, id, ...words, ...why)
    const statusAfter = async (verb: string, ...words: string[]): Promise<unknown> =>
      (JSON.parse((await act(verb, ...words)).out) as { status: unknown }).status
    expect(await statusAfter('hold')).toBe('parked')
    expect((await act('cancel')).code).toBe(5)
    expect(await statusAfter('resume')).toBe('running')
    expect((await act('compensate')).err).toMatch(/^SAGA_STATE_REFUSES: .*compensate is for parked sagas/)
    expect((await act('substitute', '--result', '{')).code).toBe(2)
    expect((await act('resolve')).err).toContain("'--as <status>' not specified")
    expect(await statusAfter('cancel')).toBe('compensating')
    expect(await statusAfter('hold')).toBe('parked')
    expect(await statusAfter('resolve', '--as', 'compensated')).toBe('compensated')
    expect((await act('hold')).code).toBe(5)
  })
})
