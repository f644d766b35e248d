import { selectDatabases } from '../from-config/choose-databases.ts'
import type { Config } from '../config.ts'
import { examineDatabase } from './examine-database.ts'
import { examineKafka } from './examine-kafka.ts'
import type { Finding } from './finding.ts'

/**
 * Examines the databases of a configuration, or those that are named, and its brokers. It changes nothing, and waits for nobody.
 * @throws `CONFIG_INVALID`, `CONFIG_NOT_FOUND` when there is no configuration to examine
 */
export async function runDoctor(config: Config, names?: readonly string[]): Promise<readonly Finding[]> {
  const examined = await Promise.all(
    selectDatabases(config, { names }).map((database) => examineDatabase(config, database)),
  )
  const facts = examined.flatMap((one) => one.facts ?? [])
  const demands = facts.flatMap(({ outbox }) => (outbox && 'value' in outbox ? outbox.value : []))
  const readers = facts.flatMap(({ groups }) => (groups && 'value' in groups ? groups.value : []))
  const clockOffMs = Math.max(0, ...facts.map(({ connection }) => Math.abs(connection.clockAheadMs)))
  return [
    ...examined.flatMap(({ findings }) => findings),
    ...(await examineKafka(config, demands, clockOffMs, readers)),
  ]
}
