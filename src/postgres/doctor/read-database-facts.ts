import type { Pool, PoolClient } from 'pg'
import { allMigrations } from '../../../migrations/all-migrations.ts'
import { listAppliedStatement } from '../../../migrations/bookkeeping.ts'
import type { Part } from '../../../migrations/migration.ts'
import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import { assertSchema } from '../assert-schema.ts'
import { explainConnectionError } from '../explain-connection-error.ts'
import { poolPlace } from '../pool-place.ts'
import { findNamespace } from '../queries/doctor/find-namespace.ts'
import { listInterceptors } from '../queries/doctor/list-interceptors.ts'
import { listMissingRights, type MissingRightRow } from '../queries/doctor/list-missing-rights.ts'
import { listOldTransactions, type OldTransactionRow } from '../queries/doctor/list-old-transactions.ts'
import { leafHasRows, listOutboxLeaves, type OutboxLeafRow } from '../queries/doctor/list-outbox-leaves.ts'
import { listOutboxTopics, type OutboxTopicRow } from '../queries/doctor/list-outbox-topics.ts'
import { listOwners, type OwnerRow } from '../queries/doctor/list-owners.ts'
import { listRoleSettings, type RoleSettingRow } from '../queries/doctor/list-role-settings.ts'
import { type OutboxSequenceRow, readOutboxSequence } from '../queries/doctor/read-outbox-sequence.ts'
import { readServer, type ServerRow } from '../queries/doctor/read-server.ts'
import { listTopicPins, type TopicPinRow } from '../queries/topics/list-topic-pins.ts'
import { type GroupRow, listGroups } from '../queries/group/list-groups.ts'
import { quoteSchema } from '../schema-name.ts'
import { type CatalogEntry, readCatalog } from './catalog.ts'
import type { ConnectionFacts, DatabaseFacts, Fact, OutboxFacts, SchemaFact } from './database-facts.ts'
import { expectedCatalog } from './expected-catalog.ts'
import { wantedRights } from './wanted-rights.ts'

/** Transactions older than this are told of. */
const oldAfterSeconds = 3_600

/** Questions that tell whether one server process answers them all. */
const backendQuestions = 5

/**
 * Reads everything that the checks of a database want to know, on one connection, and changes nothing.
 *
 * @param options.parts what the database is configured to have
 * @throws `DATABASE_UNREACHABLE`, `DATABASE_REFUSED`, `CONFIG_INVALID` for an unusable schema name
 */
export async function readDatabaseFacts(options: {
  readonly pool: Pool
  readonly schema: string
  readonly parts: readonly Part[]
}): Promise<DatabaseFacts> {
  const { pool, schema, parts } = options
  const quoted = quoteSchema(schema)
  const client = await pool.connect().catch(explainConnectionError(poolPlace(pool)))
  const ignore = (): void => undefined
  client.on('error', ignore)
  let failed = true
  try {
    const { server, ...clock } = await readServerOf(client)
    const { rows: roleSettings } = await client.query<RoleSettingRow>(listRoleSettings)
    const rights = JSON.stringify(wantedRights(quoted, parts))
    const missingRights = await factOf(
      async () => (await client.query<MissingRightRow>(listMissingRights, [rights])).rows,
    )
    const { rows: old } = await client.query<OldTransactionRow>(listOldTransactions, [oldAfterSeconds])
    const facts: DatabaseFacts = {
      server,
      connection: { ...(await readConnection(client)), ...clock },
      roleSettings,
      schema: await readSchema(client, schema, parts),
      actualCatalog: await readActual(client, schema),
      expectedCatalog: await factOf(() => readExpected(client, quoted)),
      missingRights,
      oldTransactions: old,
      outbox: parts.includes('outbox')
        ? await factOf(() => unhindered(client, () => readOutbox(client, quoted)))
        : undefined,
      groups: parts.includes('inbox')
        ? await factOf(() =>
            unhindered(client, async () => (await client.query<GroupRow>(listGroups(quoted), [null])).rows),
          )
        : undefined,
    }
    failed = false
    return facts
  } finally {
    client.off('error', ignore)
    client.release(failed)
  }
}

async function readServerOf(
  client: PoolClient,
): Promise<{ server: ServerRow; clockAheadMs: number; roundTripMs: number }> {
  // the first statement of a connection takes longer
  await client.query('select 1')
  const sentAtMs = Date.now()
  const { rows } = await client.query<ServerRow>(readServer)
  const roundTripMs = Date.now() - sentAtMs
  const [server] = rows
  if (!server) throw new RangeError('a statement that returns one row returned none')
  return { server, roundTripMs, clockAheadMs: server.now_ms - (sentAtMs + roundTripMs / 2) }
}

async function readConnection(
  client: PoolClient,
): Promise<Omit<ConnectionFacts, 'clockAheadMs' | 'roundTripMs'>> {
  const name = `backstitch doctor ${process.pid}`
  const backends: number[] = []
  const namedStatement = await factOf(async () => {
    for (let question = 0; question < backendQuestions; question++) {
      const { rows } = await client.query<{ pid: number }>({ name, text: 'select pg_backend_pid() as pid' })
      if (rows[0]) backends.push(rows[0].pid)
    }
    return true as const
  })
  const { processID } = client as { processID?: unknown }
  return {
    announcedBackend: typeof processID === 'number' ? processID : undefined,
    backends,
    namedStatement,
  }
}

async function readSchema(client: PoolClient, schema: string, parts: readonly Part[]): Promise<SchemaFact> {
  try {
    await assertSchema({ pool: client, parts, schema })
    return undefined
  } catch (thrown) {
    if (isBackstitchError(thrown)) return { code: thrown.code, message: thrown.message }
    return { code: 'UNEXPECTED', message: reasonOf(thrown) }
  }
}

async function readActual(client: PoolClient, schema: string): Promise<readonly CatalogEntry[]> {
  const { rows } = await client.query<{ id: string | null }>(findNamespace, [quoteSchema(schema)])
  const id = rows[0]?.id
  return id ? readCatalog(client, id, [schema]) : []
}

/** What the migrations that were applied have made, as far as this version knows them. */
async function readExpected(client: PoolClient, quoted: string): Promise<readonly CatalogEntry[]> {
  const { rows } = await client.query<{ name: string }>(listAppliedStatement(quoted))
  const applied = new Set(rows.map(({ name }) => name))
  return expectedCatalog(
    client,
    allMigrations.filter(({ name }) => applied.has(name)),
  )
}

async function readOutbox(client: PoolClient, quoted: string): Promise<OutboxFacts> {
  const table = `${quoted}.outbox`
  const { rows: leaves } = await client.query<OutboxLeafRow>(listOutboxLeaves, [table])
  const filled: OutboxFacts['leaves'][number][] = []
  for (const leaf of leaves) {
    const isAsked = leaf.is_default
    const { rows } = isAsked
      ? await client.query<{ has_rows: boolean }>(leafHasRows(leaf.place))
      : { rows: [{ has_rows: false }] }
    filled.push({ ...leaf, hasRows: rows[0]?.has_rows === true })
  }
  const { rows: sequences } = await client.query<OutboxSequenceRow>(readOutboxSequence, [table])
  const { rows: interceptors } = await client.query<OutboxFacts['interceptors'][number]>(listInterceptors, [
    table,
  ])
  const { rows: topics } = await client.query<OutboxTopicRow>(listOutboxTopics(quoted))
  const { rows: pins } = await client.query<TopicPinRow>(listTopicPins(quoted))
  const { rows: owners } = await client.query<OwnerRow>(listOwners(quoted))
  return { owners, pins, leaves: filled, sequence: sequences[0], interceptors, topics }
}

/** Whoever holds the tables locked must not hold the doctor up. */
async function unhindered<Value>(client: PoolClient, read: () => Promise<Value>): Promise<Value> {
  await client.query('begin read only')
  try {
    await client.query(`set local lock_timeout = '3s'`)
    return await read()
  } finally {
    await client.query('rollback')
  }
}

async function factOf<Value>(read: () => Promise<Value>): Promise<Fact<Value>> {
  try {
    return { value: await read() }
  } catch (thrown) {
    return { unknown: reasonOf(thrown) }
  }
}
