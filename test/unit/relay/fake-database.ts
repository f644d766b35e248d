import type { Checkpoint, LeaseView } from '../../../src/relay/lease/checkpoint.ts'
import type { CheckpointSave } from '../../../src/relay/lease/lease-session.ts'
import type {
  IntentPage,
  ParkedRow,
  QuarantinedRow,
} from '../../../src/relay/quarantine/quarantine-session.ts'
import type { StewardSession } from '../../../src/relay/ownership/steward-session.ts'
import type { RelayDatabase, RelaySession, SessionSettings } from '../../../src/relay/relay-database.ts'
import { textAt, type OutboxTuple } from '../../../src/relay/source/outbox-tuple.ts'
import { parseSnapshot } from '../../../src/relay/source/snapshot.ts'
import type { LeafSession } from '../../../src/relay/upkeep/leaf-session.ts'
import type { LiveReading } from '../../../src/relay/source/source-session.ts'
import { FakeLeafSession } from './upkeep/fake-leaf-session.ts'
import { hasEnded } from './source/model-database.ts'

/**
 * An outbox in memory behind the relay’s ports: each inserted row is a transaction of its own that has committed. Leases are kept as the
 * real statements keep them. A test may replace what a session answers.
 */
export class FakeDatabase implements RelayDatabase {
  readonly name = 'orders'
  readonly rows: { readonly row: OutboxTuple; readonly xid: bigint }[] = []
  readonly pins = new Map<string, { partitions: number; adopted?: number }>()
  readonly quarantine = new Map<
    string,
    ParkedRow & { readonly row: OutboxTuple; intent?: 'retry' | 'skip' }
  >()
  checkpoint: (Checkpoint & { owner: string | undefined; leaseUntilMs: number }) | undefined
  saves: CheckpointSave[] = []
  sessions: FakeSession[] = []
  inRecovery = false
  systemIdentifier = '7'
  nextXid = 100n
  /** Called before anything of a session is answered; what it throws, the session throws. */
  before: (call: string) => void | Promise<void> = () => undefined
  /** Changes a reading. */
  reading: (reading: LiveReading) => LiveReading = (reading) => reading
  flushedTo = 1n

  /** Its leaves: enough of them. */
  readonly leaves = new FakeLeafSession()

  async openLeaves(): Promise<LeafSession> {
    await this.before('openLeaves')
    return this.leaves
  }

  insert(...rows: readonly OutboxTuple[]): void {
    for (const row of rows) this.rows.push({ row, xid: this.nextXid++ })
  }

  get snapshot(): string {
    return `${this.nextXid}:${this.nextXid}:`
  }

  /** Processes at work beside the one that looks. */
  otherRelays = 0
  stewards: { isClosed: boolean }[] = []

  async steward(): Promise<StewardSession> {
    await this.before('steward')
    const steward = { isClosed: false }
    this.stewards.push(steward)
    return {
      look: async () => {
        await this.before('look')
        const { checkpoint, inRecovery, systemIdentifier, snapshot } = this
        const remainingMs = checkpoint?.owner === undefined ? 0 : checkpoint.leaseUntilMs - performance.now()
        return {
          inRecovery,
          systemIdentifier,
          timeline: 1,
          snapshot,
          shardCount: 1,
          settledCount: 1,
          relays: this.otherRelays + this.stewards.filter(({ isClosed }) => !isClosed).length,
          shards: [{ shard: 0, owner: checkpoint?.owner, remainingMs, checkpoint }],
        }
      },
      close: () => {
        steward.isClosed = true
      },
    }
  }

  async connect(settings: SessionSettings): Promise<RelaySession> {
    await this.before('connect')
    const session = new FakeSession(this, settings)
    this.sessions.push(session)
    return session
  }
}

/** {@link RelaySession} over a {@link FakeDatabase}. */
export class FakeSession implements RelaySession {
  readonly replays: RelaySession['replays'] = {
    nextReplay: () => Promise.resolve(undefined),
    readReplay: () => Promise.resolve({ rows: [], full: false }),
    saveReplay: () => Promise.resolve(true),
  }
  readonly sequenceInOrder = true
  isClosed = false
  flushes = 0
  readonly #database: FakeDatabase
  readonly settings: SessionSettings

  constructor(database: FakeDatabase, settings: SessionSettings) {
    this.#database = database
    this.settings = settings
  }

  async view(): Promise<LeaseView> {
    await this.#database.before('view')
    const { checkpoint, inRecovery, systemIdentifier, snapshot } = this.#database
    return {
      owner: checkpoint?.owner,
      remainingMs: checkpoint?.owner === undefined ? 0 : checkpoint.leaseUntilMs - performance.now(),
      inRecovery,
      systemIdentifier,
      timeline: 1,
      snapshot,
      checkpoint,
    }
  }

  async acquire(owner: string, leaseDurationMs: number): Promise<Checkpoint | undefined> {
    await this.#database.before('acquire')
    const { checkpoint, systemIdentifier } = this.#database
    if (
      checkpoint?.owner !== undefined &&
      checkpoint.owner !== owner &&
      checkpoint.leaseUntilMs > performance.now()
    )
      return undefined
    const cursor = {
      previous: '1:1:',
      current: null,
      position: 0n,
      walkFrom: 0n,
      lowWater: 0n,
      sequenceHigh: 0n,
    }
    this.#database.checkpoint = {
      number: (checkpoint?.number ?? 0n) + 1n,
      epoch: (checkpoint?.epoch ?? 0n) + 1n,
      cursor: checkpoint?.cursor ?? cursor,
      systemIdentifier,
      timeline: checkpoint?.timeline ?? 1,
      owner,
      leaseUntilMs: performance.now() + leaseDurationMs,
    }
    return this.#database.checkpoint
  }

  async save(save: CheckpointSave): Promise<{ number: bigint; xid: bigint } | undefined> {
    await this.#database.before('save')
    const { checkpoint, quarantine } = this.#database
    if (!checkpoint || checkpoint.epoch !== save.epoch || checkpoint.owner !== save.owner) return undefined
    this.#database.saves.push(save)
    this.#database.checkpoint = {
      ...checkpoint,
      number: checkpoint.number + 1n,
      cursor: save.cursor,
      owner: save.release === true ? undefined : save.owner,
      leaseUntilMs: performance.now() + save.leaseDurationMs,
    }
    for (const parked of save.quarantine?.parked ?? []) {
      const row = this.#database.rows.find(({ row }) => textAt(row, 'seq') === parked.seq)?.row
      if (row && !quarantine.has(parked.seq)) quarantine.set(parked.seq, { ...parked, row })
    }
    for (const seq of save.quarantine?.drained ?? []) quarantine.delete(seq)
    for (const { topic, partitions } of save.quarantine?.adopted ?? []) {
      this.#database.pins.set(topic, { partitions })
    }
    for (const [seq, { partition: _, ...entry }] of quarantine)
      if (entry.topic === save.quarantine?.moving && entry.code === 'OUTBOX_PARTITION_HELD')
        quarantine.set(seq, { ...entry, code: 'OUTBOX_TOPIC_UNKNOWN' })
    for (const { seq, partition } of save.quarantine?.held ?? []) {
      const entry = quarantine.get(seq)
      if (entry?.code === 'OUTBOX_TOPIC_UNKNOWN')
        quarantine.set(seq, { ...entry, code: 'OUTBOX_PARTITION_HELD', partition })
    }
    for (const seq of save.quarantine?.waiting ?? []) {
      const entry = quarantine.get(seq)
      if (entry && waitsForPlace(entry)) quarantine.set(seq, { ...entry, code: 'OUTBOX_KEY_PARKED' })
    }
    for (const refused of save.quarantine?.refused ?? [])
      for (const [seq, { intent, ...entry }] of quarantine)
        if (entry.topic === refused.topic && textAt(entry.row, 'aggregateid') === refused.key)
          quarantine.set(seq, {
            ...entry,
            code: seq === refused.seq ? refused.code : entry.code,
            ...(intent === 'skip' && { intent }),
          })
    return { number: this.#database.checkpoint.number, xid: this.#database.nextXid++ }
  }

  async readLive(since: { readonly xmax: bigint }): Promise<LiveReading> {
    await this.#database.before('readLive')
    const { rows, snapshot, inRecovery, flushedTo } = this.#database
    const found = rows.filter(({ xid }) => xid >= since.xmax).map(({ row }) => row)
    return this.#database.reading({
      inRecovery,
      snapshot,
      insertedTo: 1n,
      flushedTo,
      sequenceLast: BigInt(rows.length),
      rows: found.length > this.settings.pageRows ? undefined : found,
    })
  }

  async readPage(read: Parameters<RelaySession['readPage']>[0]): ReturnType<RelaySession['readPage']> {
    await this.#database.before('readPage')
    if (read.kind === 'early') throw new Error('no transaction of this database is ever seen under way')
    const { pageRows } = this.settings
    const rows = this.#database.rows
      .filter(({ row, xid }) => {
        const seq = BigInt(textAt(row, 'seq'))
        if (seq <= read.after || seq > read.upTo) return false
        return !hasEnded(parseSnapshot(read.previous), xid) && hasEnded(parseSnapshot(read.current), xid)
      })
      .slice(0, pageRows)
      .map(({ row }) => row)
    return { rows, full: rows.length === pageRows }
  }

  async measureBacklog(): ReturnType<RelaySession['measureBacklog']> {
    await this.#database.before('measureBacklog')
    return { pending: 3, oldestAgeSeconds: 2, parked: this.#database.quarantine.size }
  }

  async flushedTo(): Promise<bigint> {
    await this.#database.before('flushedTo')
    return this.#database.flushedTo
  }

  async flush(): Promise<void> {
    await this.#database.before('flush')
    this.flushes++
  }

  async releaseDue(): ReturnType<RelaySession['releaseDue']> {
    await this.#database.before('releaseDue')
    return { count: 0, more: false, next: '', untilNextMs: undefined }
  }

  firstDue = (): ReturnType<RelaySession['firstDue']> => Promise.resolve(undefined)

  async readParked(): ReturnType<RelaySession['readParked']> {
    const entries = [...this.#database.quarantine.values()]
    const keyed = entries.filter(
      ({ code }) => code !== 'OUTBOX_TOPIC_UNKNOWN' && code !== 'OUTBOX_PARTITION_HELD',
    )
    const held = Map.groupBy(
      entries.filter(({ code }) => code === 'OUTBOX_PARTITION_HELD'),
      ({ topic, partition }) => `${topic}/${partition}`,
    )
    const names = new Set(keyed.map(({ topic, row }) => JSON.stringify([topic, textAt(row, 'aggregateid')])))
    return {
      keys: [...names].map((name) => {
        const [topic = '', key = ''] = JSON.parse(name) as string[]
        const mine = keyed.filter(
          (entry) => entry.topic === topic && textAt(entry.row, 'aggregateid') === key,
        )
        return { topic, key, refused: mine.some(({ code }) => code !== 'OUTBOX_KEY_PARKED') }
      }),
      partitions: [...held.values()].flatMap((rows) => {
        const [first] = rows
        return first ? [{ topic: first.topic, partition: first.partition ?? 0 }] : []
      }),
      topics: [
        ...new Set(entries.filter(({ code }) => code === 'OUTBOX_TOPIC_UNKNOWN').map(({ topic }) => topic)),
      ],
    }
  }

  async readIntents(limit: number, afterSeq: string): Promise<IntentPage> {
    await this.#database.before('readIntents')
    const entries = [...this.#database.quarantine.values()]
      .filter(({ intent, seq }) => intent !== undefined && Number(seq) > Number(afterSeq))
      .toSorted((a, b) => Number(a.seq) - Number(b.seq))
      .slice(0, limit)
    const keys = entries.map((entry) => ({
      topic: entry.topic,
      key: textAt(entry.row, 'aggregateid'),
      waitsForTopic: waitsForPlace(entry),
      retry: entry.intent === 'retry',
      skips: entry.intent === 'skip' ? [entry.seq] : [],
      head: this.#ofKey(entry.topic, textAt(entry.row, 'aggregateid'))[0]?.seq ?? '',
      isBlocked: this.#ofKey(entry.topic, textAt(entry.row, 'aggregateid')).some(
        (other) => !waitsForPlace(other) && other.code !== 'OUTBOX_KEY_PARKED' && other.intent !== 'skip',
      ),
    }))
    return { keys, rows: entries.length, lastSeq: entries.at(-1)?.seq ?? '-1' }
  }

  async readKey(topic: string, key: string, afterSeq: string): ReturnType<RelaySession['readKey']> {
    return this.#page(this.#ofKey(topic, key), afterSeq)
  }

  async countRows(afterSeq: string, limit: number): ReturnType<RelaySession['countRows']> {
    await this.#database.before('countRows')
    const seqs = [...this.#database.quarantine.values()]
      .map(({ seq }) => seq)
      .filter((seq) => Number(seq) > Number(afterSeq))
      .toSorted((a, b) => Number(a) - Number(b))
      .slice(0, limit)
    return { rows: seqs.length, lastSeq: seqs.at(-1) ?? afterSeq }
  }

  async readTopic(topic: string): ReturnType<RelaySession['readTopic']> {
    const entries = [...this.#database.quarantine.values()]
    return this.#page(
      entries.filter((entry) => entry.topic === topic && entry.code === 'OUTBOX_TOPIC_UNKNOWN'),
      '-1',
    )
  }

  async hasHeldRows(topic: string): Promise<boolean> {
    return [...this.#database.quarantine.values()].some(
      (entry) => entry.topic === topic && entry.code === 'OUTBOX_PARTITION_HELD',
    )
  }

  async readPartition(topic: string, partition: number): ReturnType<RelaySession['readPartition']> {
    await this.#database.before('readPartition')
    const entries = [...this.#database.quarantine.values()]
    return this.#page(
      entries
        .filter(
          (entry) =>
            entry.topic === topic && entry.partition === partition && entry.code === 'OUTBOX_PARTITION_HELD',
        )
        .toSorted((a, b) => Number(a.seq) - Number(b.seq)),
      '-1',
    )
  }

  async readSettled(): ReturnType<RelaySession['readSettled']> {
    return new Map()
  }

  async readTopicPins(): ReturnType<RelaySession['readTopicPins']> {
    await this.#database.before('readTopicPins')
    return [...this.#database.pins].map(([topic, pin]) => ({ topic, ...pin }))
  }

  async pinTopic(topic: string, partitions: number): Promise<number> {
    await this.#database.before('pinTopic')
    const pinned = this.#database.pins.get(topic)?.partitions ?? partitions
    this.#database.pins.set(topic, { partitions: pinned })
    return pinned
  }

  async truncateCheckpoints(): Promise<boolean> {
    return true
  }

  close(): void {
    this.isClosed = true
  }

  #ofKey(topic: string, key: string) {
    return [...this.#database.quarantine.values()]
      .filter((entry) => entry.topic === topic && textAt(entry.row, 'aggregateid') === key)
      .toSorted((a, b) => Number(a.seq) - Number(b.seq))
  }

  #page(
    entries: readonly {
      readonly seq: string
      readonly row: OutboxTuple
      readonly intent?: 'retry' | 'skip'
    }[],
    afterSeq: string,
  ): { rows: QuarantinedRow[]; full: boolean } {
    const found = entries.filter(({ seq }) => Number(seq) > Number(afterSeq)).slice(0, this.settings.pageRows)
    return {
      rows: found.map(({ row, intent }) => ({ row, intent })),
      full: found.length === this.settings.pageRows,
    }
  }
}

function waitsForPlace({ code }: ParkedRow): boolean {
  return code === 'OUTBOX_TOPIC_UNKNOWN' || code === 'OUTBOX_PARTITION_HELD'
}
