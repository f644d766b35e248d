import type pg from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import { planRewind, type RewoundPartition } from '../../inbox/groups/rewind-plan-machine.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { pgAuditTrail } from '../../postgres/audit/pg-audit-trail.ts'
import { type GroupSummary, type LockedGroup, pgGroupDesk } from '../../postgres/inbox/pg-group-desk.ts'
import { pgDatabase } from '../../postgres/pg-database.ts'
import { defaultSchema } from '../../postgres/schema-name.ts'
import type { KafkaTransport } from '../../transport/transport.ts'
import type { GroupDescription } from '../../transport/admin.ts'
import { GroupOffsets, type PartitionState, type RewindTarget } from './group-offsets.ts'

/** What {@link createGroupOperator} takes. */
export type GroupOperatorOptions = {
  /** The database with the group’s inbox. */
  readonly database: pg.Pool
  readonly transport: KafkaTransport
  /** Where the tables are. Default `backstitch`. */
  readonly schema?: string
}

/** A group with where it is. */
export type GroupDetails = GroupSummary &
  GroupDescription & { readonly partitions: readonly PartitionState[] }

/** What a rewind did, or would do. */
export type RewindReport = {
  readonly group: string
  /** Of the inbox, from now on. */
  readonly generation: number
  readonly partitions: readonly RewoundPartition[]
  /** Dead letters that are gone, for their records come again. */
  readonly deadLettersDropped: number
  readonly dryRun: boolean
}

/** How far back, and whether to do it. */
export type RewindOptions = { readonly to: RewindTarget; readonly dryRun?: boolean }

/** Looks at consumer groups, and has them read again. */
export type GroupOperator = {
  /** The groups that use this inbox. */
  list(): Promise<readonly GroupSummary[]>
  /** @throws `GROUP_NOT_FOUND` */
  show(group: string): Promise<GroupDetails>
  /**
   * Sends a group back, with its inbox on: it passes over what it had, and takes what it missed.
   * @throws `GROUP_NOT_FOUND`, `GROUP_IN_USE`; `REDELIVERY_TOO_OLD` when the inbox does not remember that far back
   */
  redeliver(group: string, options: RewindOptions, act: Act): Promise<RewindReport>
  /**
   * Sends a group back under a new generation of its inbox: it handles everything after that place once more, and each message once.
   * Dead letters of records that come again are dropped.
   * @throws `GROUP_NOT_FOUND`, `GROUP_IN_USE`; `GROUP_REFUSES` for an orchestrator, whose sagas have moved on
   */
  reprocess(group: string, options: RewindOptions, act: Act): Promise<RewindReport>
  /**
   * Forgets a group that will not come back: rows of the inbox are kept for it no more.
   * @throws `GROUP_NOT_FOUND`, `GROUP_IN_USE`
   */
  forget(group: string, act: Act): Promise<void>
}

/** Kafka is asked in the middle of the transaction. */
const transaction = { isolation: 'read committed', idleMsMax: 60_000 } as const

/**
 * Makes what an operator looks at consumer groups with, and has them read again. Each act changes offsets while the group has no members, and
 * leaves an entry in the audit trail. Where the connection is lost at its end, nobody knows whether it was recorded: do it again.
 *
 * @example
 * const groups = createGroupOperator({ database, transport })
 * await groups.redeliver('billing', { to: { kind: 'time', timeMs: Date.now() - 3_600_000 } }, { actor: 'ann', reason: 'a lost index' })
 */
export function createGroupOperator(options: GroupOperatorOptions): GroupOperator {
  const { transport, schema = defaultSchema } = options
  const database = pgDatabase(options.database)
  const desk = pgGroupDesk(schema)
  const audit = pgAuditTrail(schema)

  const withOffsets = async <Result>(work: (offsets: GroupOffsets) => Promise<Result>): Promise<Result> => {
    const admin = transport.admin()
    try {
      return await work(new GroupOffsets(admin))
    } finally {
      await admin.close()
    }
  }

  const rewind = async (
    verb: 'redeliver' | 'reprocess',
    group: string,
    { to, dryRun = false }: RewindOptions,
    act: Act,
  ): Promise<RewindReport> => {
    const { actor, reason } = checkedAct(act)
    return withOffsets((offsets) =>
      database.transaction(async (tx) => {
        const locked = await desk.lock(tx, group)
        if (verb === 'reprocess' && locked.kind === 'orchestrator')
          throw new BackstitchError('GROUP_REFUSES', `${group}: sagas are moved by \`backstitch saga\``)
        await offsets.assertWithoutMembers(group)
        const partitions = planRewind(await offsets.partitionsTo(group, locked.topics, to))
        if (verb === 'redeliver') await assertKept(offsets, group, locked, partitions)
        const generation = verb === 'reprocess' ? locked.generation + 1 : locked.generation
        const deadLettersDropped = verb === 'reprocess' ? await desk.dropLetters(tx, group, partitions) : 0
        const report = { group, generation, partitions, deadLettersDropped, dryRun }
        if (dryRun || partitions.length === 0)
          throw new NothingToCommit({ ...report, generation: locked.generation })
        await desk.rewind(tx, group, generation)
        await audit.record(tx, {
          actor,
          verb: `group ${verb}`,
          target: { kind: 'inbox.group', id: group },
          reason,
          before: { generation: locked.generation, offsets: placesOf(partitions, ({ from }) => from) },
          after: { generation, offsets: placesOf(partitions, ({ to: place }) => place), deadLettersDropped },
        })
        // Last: whoever joins from here on waits for this transaction before it takes its first message.
        await offsets.set(group, partitions)
        return report
      }, transaction),
    ).catch((thrown: unknown) => {
      if (thrown instanceof NothingToCommit) return thrown.report
      throw thrown
    })
  }

  return {
    list: () => database.transaction((tx) => desk.list(tx)),
    show: async (group) => {
      const [found] = await database.transaction((tx) => desk.list(tx, group))
      if (found === undefined) throw new BackstitchError('GROUP_NOT_FOUND', group)
      return withOffsets(async (offsets) => ({
        ...found,
        ...(await offsets.stateOf(group)),
        partitions: await offsets.partitionsOf(group, found.topics),
      }))
    },
    redeliver: (group, rewindOptions, act) => rewind('redeliver', group, rewindOptions, act),
    reprocess: (group, rewindOptions, act) => rewind('reprocess', group, rewindOptions, act),
    forget: async (group, act) => {
      const { actor, reason } = checkedAct(act)
      await withOffsets((offsets) =>
        database.transaction(async (tx) => {
          const locked = await desk.lock(tx, group)
          await offsets.assertWithoutMembers(group)
          await desk.forget(tx, group)
          const target = { kind: 'inbox.group', id: group }
          await audit.record(tx, { actor, verb: 'group forget', target, reason, before: locked })
        }, transaction),
      )
    },
  }
}

/** Rolls the transaction back, for nothing is to be done in it. */
class NothingToCommit extends Error {
  readonly report: RewindReport

  constructor(report: RewindReport) {
    super('nothing is to be committed')
    this.report = report
  }
}

/** Where the inbox has forgotten what came before, a message would be applied twice. */
async function assertKept(
  offsets: GroupOffsets,
  group: string,
  { keptFrom }: LockedGroup,
  partitions: readonly RewoundPartition[],
): Promise<void> {
  if (keptFrom === undefined) return
  const earliest = await offsets.offsetsAt(partitions, keptFrom.getTime())
  const tooOld = partitions.filter(({ to }, n) => to < (earliest[n] ?? 0n))
  if (tooOld.length === 0) return
  const places = tooOld.map(({ topic, partition, to }) => `${topic}/${partition} at ${to}`)
  throw new BackstitchError(
    'REDELIVERY_TOO_OLD',
    `${group}: the inbox remembers what was read since ${keptFrom.toISOString()}, and these are older: ${places.join(', ')}`,
  )
}

function placesOf(
  partitions: readonly RewoundPartition[],
  offsetOf: (partition: RewoundPartition) => bigint,
): Record<string, string> {
  return Object.fromEntries(
    partitions.map((place) => [`${place.topic}/${place.partition}`, String(offsetOf(place))]),
  )
}
