import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { createOrchestrator } from '../../../src/runtime/create-orchestrator.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { keptLines } from '../../unit/inbox/log-lines.ts'
import { sagaWorld } from './saga-world.ts'
import { orderSaga } from './shop.ts'

const saga = orderSaga()

describe('the life of an orchestrator', () => {
  it('runs between start and stop, and leaves the caller’s pool alone', async () => {
    const world = await sagaWorld()
    const part = await world.orchestrate([saga])
    expect(part.name).toBe('orchestrator orchestrator')
    expect(part.health()).toEqual({ state: 'running' })
    await part.stop()
    await part.stop()
    expect(part.health()).toEqual({ state: 'stopped' })
    // A server process takes a moment to end.
    await world.until<number>(
      `select count(*)::integer from pg_stat_activity
       where datname = current_database() and application_name = 'backstitch orchestrator'`,
      [],
      (sessions) => sessions === 0,
    )
    expect((await world.pool.query('select 1')).rowCount).toBe(1)
  })

  it('does not start where its tables are missing', async () => {
    const world = await sagaWorld({ parts: ['outbox', 'inbox'] })
    await expect(world.orchestrate([saga])).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  })

  it('refuses sagas of another orchestrator, and the same version twice', () => {
    const options = { database: new Pool(), transport: inMemoryTransport() }
    expect(() => createOrchestrator({ ...options, sagas: [saga], name: 'other' })).toThrow('CONFIG_INVALID')
    expect(() => createOrchestrator({ ...options, sagas: [saga, orderSaga()] })).toThrow('CONFIG_INVALID')
  })

  it('waits for a transaction that is the first to use its definition and stays open, and says so', async () => {
    const world = await sagaWorld()
    const holder = await world.pool.connect()
    await holder.query('begin')
    const { id } = await saga.start(holder, { orderId: 'o-1', total: 1 })
    const started = world.orchestrate([saga])
    await world.until<number>(
      `select count(*)::integer from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      [],
      (count) => count === 1,
    )
    await expect
      .poll(() => world.log.filter(({ level }) => level === 'warn'), { timeout: 9_000 })
      .toMatchObject([{ fields: { code: 'TRANSACTION_CONFLICT' } }])
    await holder.query('commit')
    holder.release()
    await started
    expect((await world.operator([]).show(id)).status).toBe('running')
    expect(await world.count('saga_definition')).toBe(1)
  }, 20_000)

  it('waits for a database that does not answer, says so once, and can be stopped', async () => {
    const { logger, lines } = keptLines()
    const database = new Pool({ host: '127.0.0.1', port: 1, database: 'none' })
    const part = createOrchestrator({
      database,
      transport: inMemoryTransport({ autoCreateTopics: true }),
      sagas: [saga],
      logger,
    })
    const started = part.start()
    await expect.poll(() => part.health().state).toBe('failing')
    expect(part.health().reason).toContain('DATABASE_UNREACHABLE')
    await expect.poll(() => lines.filter(({ level }) => level === 'debug').length).toBeGreaterThan(0)
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
    await part.stop()
    await started
    await database.end()
  })

  it('goes on with timers and partitions after all its connections were cut, with one line each', async () => {
    const world = await sagaWorld()
    const { id } = await world.transaction((tx) => saga.start(tx, { orderId: 'o-1', total: 1 }))
    await world.orchestrate([saga], { timerPauseMaxMs: 20 })
    await world.reply(await world.command(id, 1), 'ok', { reservationId: 'r' })
    await world.command(id, 2)
    await world.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'backstitch orchestrator'`,
    )
    await world.pool.query('update backstitch.timer set due_at = clock_timestamp()')
    expect(await world.command(id, 3)).toMatchObject({ saga_attempt: 2 })
    await world.reply((await world.commands(id))[1]!, 'ok', { slot: 1 })
    await world.command(id, 4)
    const warnings = world.log.filter(({ level }) => level === 'warn')
    expect(new Set(warnings.map(({ fields }) => fields['task'] ?? fields['topic'])).size).toBe(
      warnings.length,
    )
  })
})
