import { Client } from 'pg'
import { startDebezium } from '../../../dev-services/index.ts'
import type { Side } from '../../relay/side.ts'
import { pause, within } from '../../within.ts'
import { connectorSettings } from './connector-settings.ts'

const connector = 'outbox'

/** A tuned Debezium: a worker that was just started, so that its JVM is cold, and a connector on a replication slot that is older than the rows. */
export const debeziumSide: Side = {
  name: 'tuned Debezium',
  needsSlot: true,
  ready: async ({ brokers, url, topicPrefix, slot = '', purpose }) => {
    const debezium = await startDebezium({ brokers })
    const settings = connectorSettings(purpose, { url, slot, publication: 'outbox', topicPrefix })
    return {
      pid: () => debezium.pid(),
      begin: async () => {
        await debezium.connect(connector, settings)
        await within(120_000, 'Debezium to take up its slot', async () => {
          while (!(await isActive(url, slot))) {
            const trouble = await debezium.trouble(connector)
            if (trouble !== undefined) throw new Error(`Debezium failed: ${trouble}`)
            await pause(100)
          }
        })
      },
      kill: () => debezium.kill('SIGKILL'),
      revive: () => debezium.restart(),
      stop: () => debezium.stop(),
    }
  },
}

async function isActive(url: string, slot: string): Promise<boolean> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query(
      'select from pg_replication_slots where slot_name = $1 and active',
      [slot],
    )
    return rowCount === 1
  } finally {
    await client.end()
  }
}
