import { expect, it } from 'vitest'
import { claimMessages } from '../../../src/postgres/queries/saga/claim-messages.ts'
import { lockDueSagas } from '../../../src/postgres/queries/saga/lock-due-sagas.ts'
import { lockInstances } from '../../../src/postgres/queries/saga/lock-instances.ts'
import { lockSetAside } from '../../../src/postgres/queries/saga/lock-set-aside.ts'
import { registerDefinitions } from '../../../src/postgres/queries/saga/register-definitions.ts'
import { writeTransitions } from '../../../src/postgres/queries/saga/write-transitions.ts'
import { postponeTimers } from '../../../src/postgres/queries/timer/postpone-timers.ts'
import { takeDueTimers } from '../../../src/postgres/queries/timer/take-due-timers.ts'
import { untilNextTimer } from '../../../src/postgres/queries/timer/until-next-timer.ts'
import { sagaPool } from '../../../src/postgres/saga/saga-pool.ts'
import { sagaWorld } from './saga-world.ts'

type Value = string | number | null | readonly (string | number)[]

const schema = '"backstitch"'
const statements: readonly (readonly [name: string, text: string, values: readonly Value[]])[] = [
  ['claim', claimMessages(schema), ['g', ['t'], ['01900000-0000-7000-8000-000000000001']]],
  ['lock', lockInstances(schema), [['01900000-0000-7000-8000-000000000001']]],
  ['write', writeTransitions(schema), ['[]', '[]', '[]', '[]', '[]', '[]', '[]']],
  ['lock_due', lockDueSagas(schema), ['orchestrator', ['s'], [1], 200]],
  ['take_due', takeDueTimers(schema), [['01900000-0000-7000-8000-000000000001']]],
  ['postpone', postponeTimers(schema), ['01900000-0000-7000-8000-000000000001', 1]],
  ['until_next', untilNextTimer(schema), ['orchestrator', ['s'], [1]]],
  ['lock_set_aside', lockSetAside(schema), ['orchestrator', ['s'], [1], null, 100]],
  ['register', registerDefinitions(schema), ['[]']],
]

it('plans every statement by an index while the tables are empty, for the plan is kept when they are large', async () => {
  const world = await sagaWorld()
  const pool = sagaPool(world.pool, 1)
  const client = await pool.connect()
  try {
    for (const [name, text, values] of statements) {
      await client.query({ name, text, values: [...values] })
      const literals = values.map((value) => literalOf(value)).join(', ')
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain execute ${name}(${literals})`)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan, name).not.toMatch(/Seq Scan|Hash(?!Aggregate)|Merge Join|JIT/)
    }
    const { rows } = await client.query<{ generic_plans: string; custom_plans: string }>(
      'select sum(generic_plans)::integer as generic_plans, sum(custom_plans)::integer as custom_plans from pg_prepared_statements',
    )
    expect(rows).toEqual([{ generic_plans: statements.length * 2, custom_plans: 0 }])
  } finally {
    client.release()
    await pool.end()
  }
})

function literalOf(value: Value): string {
  if (value === null) return 'null'
  if (typeof value === 'object') return `'{${value.join(',')}}'`
  return typeof value === 'number' ? String(value) : `'${value}'`
}
