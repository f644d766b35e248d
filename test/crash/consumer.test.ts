import { createRelay } from 'backstitch'
import { describe, expect, test } from 'vitest'
import { uniqueTopicPrefix } from '../support/services.ts'
import { CrashingPart } from './part/crashing-part.ts'
import { killsOf } from './points.ts'
import { expectDelivered } from './promises/delivery.ts'
import { expectEffectsOnce } from './promises/effects.ts'
import { expectAllRead } from './promises/reading.ts'
import { Stage } from './world/stage.ts'
import { poison, tallyTables } from './world/tally.ts'
import { isAllHandled, isAllSeen } from './world/tally-tables.ts'
import { TallyWriters } from './world/tally-writers.ts'
import { until } from './world/until.ts'

const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`)

describe('a consumer that is killed', () => {
  test.concurrent.for(killsOf('consumer'))(
    'at $point, hit $hit, misses nothing, repeats no effect and keeps the order',
    async (kill, { onTestFinished }) => {
      const topicPrefix = uniqueTopicPrefix()
      const topic = `${topicPrefix}tally`
      const stage = await Stage.open(
        topicPrefix,
        { tally: { parts: ['outbox', 'inbox'], tables: tallyTables } },
        [
          { topic, partitions: 3 },
          { topic: `${topicPrefix}note`, partitions: 1 },
        ],
      )
      onTestFinished(() => stage.close())
      const pool = stage.pool('tally')
      const writers = new TallyWriters(pool)
      onTestFinished(() => writers.close())
      await writers.wave(keys, 1)

      const consumer = new CrashingPart('consumer', stage.settings('tally'), kill)
      onTestFinished(() => consumer.kill())
      onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail') console.error(kill, consumer.log, await stage.report())
      })
      const { signal } = consumer
      await stage.start(createRelay({ ...stage.tools, databases: [pool] }))

      const applied = () =>
        until(
          'all is applied, and the poisoned message is a dead letter',
          () => isAllHandled(pool, writers.ids()),
          { signal },
        )
      for (let wave = 0; wave < 3; wave++) {
        await writers.count('key-poison', { note: wave === 1 ? poison : '' })
        await writers.wave(keys, 1)
        await applied()
      }
      await consumer.crashed
      await writers.wave(keys, 1)
      await applied()
      await consumer.stop()
      await until('what the consumer sent is published', () => isAllSeen(pool, stage.witness.ids), { signal })
      await stage.stop()

      await until('the witness has read all', () => stage.witness.hasReadAll(), { signal })
      // what comes after it waits behind it, for its key keeps its order
      const [, poisoned = '', behind = ''] = writers.committed.get('key-poison') ?? []
      const appliedIds = writers.ids().filter((id) => id !== poisoned && id !== behind)
      await expectEffectsOnce(pool, appliedIds)
      await expectDelivered(stage.witness, topicPrefix, [pool])
      const letters = await pool.query(
        'select message_id, reason_code from backstitch.dead_letter order by id',
      )
      expect(letters.rows).toEqual([
        { message_id: poisoned, reason_code: 'HANDLER_FAILED' },
        { message_id: behind, reason_code: 'KEY_HELD' },
      ])
      const notes = await pool.query(
        `select causation_id as id from backstitch.outbox where aggregatetype = 'note'`,
      )
      expect(
        notes.rows.map(({ id }) => id as string).toSorted(),
        'I3: each message of a handler is written once',
      ).toEqual(appliedIds.toSorted())
      await expectAllRead(stage, 'tally', 'counting', [topic])
    },
  )
})
