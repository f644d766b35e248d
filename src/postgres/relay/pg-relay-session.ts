import { BackstitchError } from '../../kernel/errors.ts'
import type { CheckpointSave } from '../../relay/lease/lease-session.ts'
import type { Release } from '../../relay/deferred/deferred-session.ts'
import type { ParkedKey, QuarantinedRow } from '../../relay/quarantine/quarantine-session.ts'
import { onlyShard, type Shard } from '../../relay/ownership/shard.ts'
import type { ReplaySession } from '../../relay/replay/replay-session.ts'
import type { RelaySession, SessionSettings } from '../../relay/relay-database.ts'
import type { Page, PageRead } from '../../relay/source/source-session.ts'
import type { OutboxTuple } from '../../relay/source/outbox-tuple.ts'
import { type PgRelayClient, type TextRow, sqlStateOf } from './pg-relay-client.ts'
import {
  checkpointOf,
  intentPageOf,
  leaseViewOf,
  liveReadingOf,
  lsnOf,
  pageOf,
  quarantinedRowOf,
  releasedOf,
} from './pg-relay-rows.ts'
import { refusalOfRows } from './refusal-of-rows.ts'
import { type RelayStatements, relayStatements } from './pg-relay-statements.ts'
import { describeOutbox } from '../queries/relay/describe-outbox.ts'
import { PgPageReader } from './pg-page-reader.ts'
import { PgReplaySession } from './pg-replay-session.ts'
import { truncateCheckpoints } from '../queries/upkeep/truncate-checkpoints.ts'

const uniqueViolation = '23505'
/** Parked keys that one statement looks up, a look into an index each. */
const keysAtOnce = 2_000

/**
 * Begins a session on a shard of an outbox: looks up what its statements need.
 * @throws `SCHEMA_MISSING`, `OUTBOX_SHARDS_CHANGED` when the outbox has another number of shards than was told
 */
export async function openRelaySession(
  client: PgRelayClient,
  schema: string,
  settings: SessionSettings,
  connectReader: () => Promise<PgRelayClient>,
): Promise<RelaySession> {
  const table = `${schema}.outbox`
  const [description] = await client.run({ name: 'describe', text: describeOutbox(schema) }, [table])
  if (!description)
    throw new BackstitchError('SCHEMA_MISSING', `${table}: the sequence of its seq is missing`)
  const [sequence, cache, shardCount, backend] = description
  const { shard = onlyShard } = settings
  if (Number(shardCount) !== shard.count)
    throw new BackstitchError('OUTBOX_SHARDS_CHANGED', `${schema}.outbox: ${shard.count}, now ${shardCount}`)
  const page = { rows: settings.pageRows, bytes: settings.pageBytes }
  return new PgRelaySession(client, {
    schema,
    shard,
    statements: relayStatements(schema, sequence ?? '', page, shard),
    pageRows: page.rows,
    pages: new PgPageReader({ schema, shard, page, session: client, connect: connectReader }),
    replays: new PgReplaySession(client, schema, shard.number, page),
    sequenceInOrder: cache === '1',
    backend: backend ?? '',
  })
}

type OutboxOfSession = {
  readonly schema: string
  readonly shard: Shard
  readonly statements: RelayStatements
  readonly pageRows: number
  readonly pages: PgPageReader
  readonly replays: ReplaySession
  readonly sequenceInOrder: boolean
  /** The server process behind the connection. */
  readonly backend: string
}

/** {@link RelaySession} over one connection, and one more while there is a backlog. */
class PgRelaySession implements RelaySession {
  readonly sequenceInOrder: boolean
  readonly replays: ReplaySession
  readonly #client: PgRelayClient
  readonly #schema: string
  readonly #shard: Shard
  readonly #pageRows: number
  readonly #pages: PgPageReader
  readonly #backend: string
  readonly #statements: RelayStatements

  constructor(client: PgRelayClient, outbox: OutboxOfSession) {
    this.#client = client
    this.#schema = outbox.schema
    this.#shard = outbox.shard
    this.#statements = outbox.statements
    this.#pageRows = outbox.pageRows
    this.#pages = outbox.pages
    this.#backend = outbox.backend
    this.sequenceInOrder = outbox.sequenceInOrder
    this.replays = outbox.replays
  }

  async view(): ReturnType<RelaySession['view']> {
    return leaseViewOf(one(await this.#client.run(this.#statements.viewLease, [this.#shard.number])))
  }

  async acquire(owner: string, leaseDurationMs: number): ReturnType<RelaySession['acquire']> {
    const rows = await this.#client
      .run(this.#statements.acquireLease, [this.#shard.number, owner, leaseDurationMs, this.#shard.count])
      .catch(nothingIfTaken)
    return rows[0] && checkpointOf(rows[0])
  }

  async save(save: CheckpointSave): ReturnType<RelaySession['save']> {
    const { cursor, quarantine, leapTo } = save
    const values: unknown[] = [
      this.#shard.number,
      save.epoch,
      save.owner,
      save.release === true ? 0 : save.leaseDurationMs,
      cursor.previous,
      cursor.current,
      cursor.position,
      cursor.walkFrom,
      cursor.lowWater,
      cursor.sequenceHigh,
      save.release === true,
    ]
    const rows = await (quarantine
      ? this.#client.run(this.#statements.saveCheckpointAndQuarantine, [
          ...values,
          JSON.stringify(quarantine.parked ?? []),
          `{${(quarantine.drained ?? []).join(',')}}`,
          JSON.stringify(quarantine.refused ?? []),
          `{${(quarantine.waiting ?? []).join(',')}}`,
          JSON.stringify(quarantine.adopted ?? []),
          quarantine.moving ?? null,
          JSON.stringify(quarantine.held ?? []),
        ])
      : leapTo === undefined
        ? this.#client.run(this.#statements.saveCheckpoint, values)
        : this.#client.run(this.#statements.leapCheckpoint, [...values, leapTo])
    ).catch(nothingIfTaken)
    const [saved] = rows
    return saved && { number: BigInt(saved[0] ?? ''), xid: BigInt(saved[1] ?? '') }
  }

  async readLive(since: Parameters<RelaySession['readLive']>[0]): ReturnType<RelaySession['readLive']> {
    const rows = await this.#client.run(this.#statements.readLive, [
      since.xmax,
      `{${since.inProgress.join(',')}}`,
    ])
    return liveReadingOf(rows, this.#pageRows, this.#backend)
  }

  async readPage(read: PageRead): Promise<Page<OutboxTuple>> {
    const packed = read.kind === 'walk' ? await this.#pages.read(read) : undefined
    if (packed !== undefined) return packed
    const rows = await (read.kind === 'early'
      ? this.#client.run(this.#statements.readEarlyPage, [`{${read.xids.join(',')}}`, read.after, read.upTo])
      : this.#client.run(this.#statements.readWalkPage, [read.previous, read.current, read.after, read.upTo]))
    return pageOf(rows, this.#pageRows)
  }

  async measureBacklog(
    cursor: Parameters<RelaySession['measureBacklog']>[0],
  ): ReturnType<RelaySession['measureBacklog']> {
    const { previous, current, position, walkFrom } = cursor
    const from = position > walkFrom ? position : walkFrom
    const [pending, age, parked] = one(
      await this.#client.run(this.#statements.measureBacklog, [previous, current, position, from]),
    )
    return {
      pending: Number(pending),
      oldestAgeSeconds: Math.max(0, Number(age ?? 0)),
      parked: Number(parked),
    }
  }

  async flushedTo(): Promise<bigint> {
    return lsnOf(one(await this.#client.run(this.#statements.readFlushedTo))[0] ?? '')
  }

  async flush(): Promise<void> {
    await this.#client.run(this.#statements.flush)
  }

  async readParked(): ReturnType<RelaySession['readParked']> {
    const keys: ParkedKey[] = []
    // page by page, for a statement has its time; the digest of a key is never empty
    for (let after = '\\x', isLast = false; !isLast; ) {
      const page = await this.#client.run(this.#statements.readParkedKeys, [
        this.#shard.number,
        after,
        keysAtOnce,
      ])
      for (const [topic, key, refused] of page)
        keys.push({ topic: topic ?? '', key: key ?? '', refused: refused === 't' })
      after = page.at(-1)?.[3] ?? after
      isLast = page.length < keysAtOnce
    }
    const [topics, partitions] = await Promise.all([
      this.#client.run(this.#statements.readParkedTopics, [this.#shard.number]),
      this.#client.run(this.#statements.readHeldPartitions, [this.#shard.number]),
    ])
    return {
      keys,
      topics: topics.map(([topic]) => topic ?? ''),
      partitions: partitions.map(([topic, partition]) => ({
        topic: topic ?? '',
        partition: Number(partition),
      })),
    }
  }

  async readIntents(limit: number, afterSeq: string): ReturnType<RelaySession['readIntents']> {
    return intentPageOf(
      await this.#client.run(this.#statements.readIntents, [this.#shard.number, limit, afterSeq]),
    )
  }

  async countRows(afterSeq: string, limit: number): ReturnType<RelaySession['countRows']> {
    const [rows, lastSeq] = one(
      await this.#client.run(this.#statements.countQuarantine, [this.#shard.number, afterSeq, limit]),
    )
    return { rows: Number(rows), lastSeq: lastSeq ?? afterSeq }
  }

  async readKey(topic: string, key: string, afterSeq: string): ReturnType<RelaySession['readKey']> {
    return this.#quarantinePage(
      await this.#client.run(this.#statements.readRowsOfKey, [topic, key, afterSeq]),
    )
  }

  async readTopic(topic: string): ReturnType<RelaySession['readTopic']> {
    return this.#quarantinePage(
      await this.#client.run(this.#statements.readRowsOfTopic, [topic, this.#shard.number]),
    )
  }

  async readSettled(afterSeq: bigint): ReturnType<RelaySession['readSettled']> {
    const rows = await this.#client.run(this.#statements.readSettled, [afterSeq])
    return new Map(rows.map(([seq, id]) => [seq ?? '', id ?? '']))
  }

  async readTopicPins(): ReturnType<RelaySession['readTopicPins']> {
    const rows = await this.#client.run(this.#statements.readTopicPins, [this.#shard.number])
    return rows.map(([topic, partitions, adopted]) => ({
      topic: topic ?? '',
      partitions: Number(partitions),
      ...(adopted !== null && adopted !== undefined && { adopted: Number(adopted) }),
    }))
  }

  async pinTopic(topic: string, partitions: number): Promise<number> {
    const rows = await this.#client.run(this.#statements.pinTopic, [this.#shard.number, topic, partitions])
    return Number(one(rows)[0])
  }

  async hasHeldRows(topic: string): Promise<boolean> {
    return one(await this.#client.run(this.#statements.hasHeldRows, [topic, this.#shard.number]))[0] === 't'
  }

  async readPartition(topic: string, partition: number): ReturnType<RelaySession['readPartition']> {
    return this.#quarantinePage(
      await this.#client.run(this.#statements.readRowsOfPartition, [topic, partition, this.#shard.number]),
    )
  }

  async releaseDue(release: Release): ReturnType<RelaySession['releaseDue']> {
    const values = this.#releaseValues(release)
    const found = await this.#client
      .run(this.#statements.releaseDeferred, values)
      .catch((error: unknown) => ({ refused: refusalOfRows(error) }))
    return 'refused' in found ? found : releasedOf(one(found))
  }

  async firstDue(release: Release): ReturnType<RelaySession['firstDue']> {
    const values = this.#releaseValues({ ...release, rowsMax: 1 })
    const [row] = await this.#client.run(this.#statements.firstDeferred, values)
    return row && { aggregateType: row[0] ?? '', key: row[1] ?? '' }
  }

  #releaseValues({ epoch, owner, from, rowsMax, without }: Release): readonly unknown[] {
    const keys = without.length === 0 ? null : JSON.stringify(without)
    return [this.#shard.number, epoch, owner, from, rowsMax, keys]
  }

  truncateCheckpoints(slot: 0 | 1): Promise<boolean> {
    return this.#client.runQuickly(truncateCheckpoints(this.#schema, slot))
  }

  close(): void {
    this.#pages.close()
    this.#client.close()
  }

  #quarantinePage(rows: readonly TextRow[]): Page<QuarantinedRow> {
    const page = pageOf(rows, this.#pageRows)
    return { ...page, rows: page.rows.map(quarantinedRowOf) }
  }
}

/** Somebody else appended the checkpoint of this number: nothing was written by us. */
function nothingIfTaken(error: unknown): readonly TextRow[] {
  if (sqlStateOf(error) === uniqueViolation) return []
  throw error
}

function one(rows: readonly TextRow[]): TextRow {
  const [row] = rows
  if (!row) throw new BackstitchError('DATABASE_FAILING', 'a statement that returns one row returned none')
  return row
}
