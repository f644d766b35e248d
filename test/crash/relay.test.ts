import { createConsumer } from 'backstitch'
import type pg from 'pg'
import { describe, test } from 'vitest'
import { requestIntent } from '../../src/postgres/queries/quarantine/request-intent.ts'
import { uniqueTopicPrefix } from '../support/services.ts'
import { CrashingPart } from './part/crashing-part.ts'
import { type Kill, killsOf } from './points.ts'
import { expectDelivered } from './promises/delivery.ts'
import { expectEffectsOnce } from './promises/effects.ts'
import { ageOutbox, isCaredFor } from './world/aged-outbox.ts'
import { Stage } from './world/stage.ts'
import { tallyHandlers, tallyTables } from './world/tally.ts'
import { isAllHandled, isAllSeen } from './world/tally-tables.ts'
import { TallyWriters } from './world/tally-writers.ts'
import { until } from './world/until.ts'

const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`)

/** What is larger than this the topic refuses, until the limit is lifted. */
const recordBytesMax = 100_000
const large = 'x'.repeat(2 * recordBytesMax)

/** The later hits are met while what was committed before the start is published page by page, the first ones with everything in one look. */
function pagesAt({ hit }: Kill): { readonly pageRows?: number } {
  return hit === 1 ? {} : { pageRows: 10 }
}

describe('a relay that is killed', () => {
  test.concurrent.for(killsOf('relay'))(
    'at $point, hit $hit, loses nothing, repeats no effect and keeps the order',
    async (kill, { onTestFinished }) => {
      const topicPrefix = uniqueTopicPrefix()
      const topic = `${topicPrefix}tally`
      const stage = await Stage.open(
        topicPrefix,
        { tally: { parts: ['outbox', 'inbox'], tables: tallyTables } },
        [
          { topic, partitions: 3, config: { 'max.message.bytes': String(recordBytesMax) } },
          { topic: `${topicPrefix}note`, partitions: 1 },
        ],
      )
      onTestFinished(() => stage.close())
      const pool = stage.pool('tally')
      const { witness } = stage
      await ageOutbox(pool)
      const writers = new TallyWriters(pool)
      onTestFinished(() => writers.close())
      await writers.wave(keys, 1)
      await writers.count('key-later', { rows: 3, notBefore: '50ms' })
      const open = await writers.begin('key-open')

      const relay = new CrashingPart('relay', { ...stage.settings('tally'), ...pagesAt(kill) }, kill)
      onTestFinished(() => relay.kill())
      onTestFinished(async ({ task }) => {
        if (task.result?.state === 'fail') console.error(kill, relay.log, await stage.report())
      })
      const { signal } = relay
      const published = (ids: readonly string[]) =>
        until('all is published', () => ids.every((id) => witness.ids.has(id)), { signal })
      await stage.start(
        createConsumer({ ...stage.tools, database: pool, group: 'counting', handlers: tallyHandlers }),
      )

      for (let wave = 0; wave < 3; wave++) {
        await writers.wave(keys, 1)
        await published(writers.ids())
      }

      await writers.count('key-large')
      await writers.count('key-large', { note: large })
      await writers.count('key-large', { rows: 2 })
      await until(
        'the key of the large record is parked',
        async () => (await parkedRows(pool)).length === 3,
        {
          signal,
        },
      )
      await writers.wave(keys, 1)
      await published(writers.ids({ without: 'key-large' }))
      await witness.configure(topic, 'max.message.bytes', '1000000')
      await until('the parked key is drained', () => retryParked(pool), { signal })
      await open.commit()
      await published(writers.ids())

      relay.askToStop()
      await relay.crashed
      await writers.wave(keys, 1)
      await published(writers.ids())
      await until('the consumer has applied all', () => isAllHandled(pool, writers.ids()), { signal })
      await until('what the consumer sent is published', () => isAllSeen(pool, witness.ids), { signal })
      await until('the tables are cared for', () => isCaredFor(pool), { signal })
      await relay.stop()
      await stage.stop()

      await until('the witness has read all', () => witness.hasReadAll(), { signal })
      await expectEffectsOnce(pool, writers.ids())
      await expectDelivered(witness, topicPrefix, [pool])
    },
  )
})

type ParkedRow = { readonly seq: string; readonly intent: string | null }

async function parkedRows(pool: pg.Pool): Promise<readonly ParkedRow[]> {
  const { rows } = await pool.query<ParkedRow>('select seq, intent from backstitch.outbox_quarantine')
  return rows
}

/** Asks for what is parked to be sent again, until nothing is left: the broker may not know its new limit yet. */
async function retryParked(pool: pg.Pool): Promise<boolean> {
  const rows = await parkedRows(pool)
  const waiting = rows.filter(({ intent }) => intent === null).map(({ seq }) => seq)
  if (waiting.length > 0)
    await pool.query(requestIntent('backstitch'), ['retry', 'test', 'the limit is lifted', waiting])
  return rows.length === 0
}
