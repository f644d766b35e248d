import { type Act, checkedAct } from '../../audit/act.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { isUuid, newId } from '../../kernel/ids.ts'
import type { Database } from '../../kernel/database.ts'
import { isTopicName } from '../../message/topic.ts'
import type {
  ReplayEntry,
  ReplayOperator,
  ReplayRequest,
  RequestedReplay,
} from '../../relay/operator/replay-operator.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import {
  cancelReplay,
  listReplays,
  readReplayBounds,
  type ReplayBounds,
  type ReplayRow,
  requestReplay,
} from '../queries/replay/request-replay.ts'
import { lockVerbs } from '../queries/quarantine/request-intent.ts'
import { quoteSchema } from '../schema-name.ts'
import { verbTransaction } from './verb-transaction.ts'

/** {@link ReplayOperator} over the tables of a database. */
export function pgReplayOperator(database: Database, schemaName: string): ReplayOperator {
  const schema = quoteSchema(schemaName)
  const audit = pgAuditTrail(schemaName)
  const explain = explainSqlError(`${schemaName}.outbox_replay`)
  return {
    replay: async (request: ReplayRequest, act: Act): Promise<RequestedReplay> => {
      const { actor, reason } = checkedAct(act)
      assertRequest(request)
      return database.transaction(async (tx) => {
        // the number of shards does not change meanwhile
        await tx.query(lockVerbs, [schema]).catch(explain)
        const { rows } = await tx.query<ReplayBounds>(readReplayBounds(schema), []).catch(explain)
        const [bounds] = rows
        if (!bounds || bounds.seq === null || bounds.createdAt === null)
          throw new BackstitchError('ROWS_NOT_KEPT', 'There is no row at all')
        const keptFrom = { seq: bounds.seq, createdAt: bounds.createdAt }
        const { from, to, aggregateType, key, topic, newIds = false } = request
        const asked = BigInt(request.fromSeq ?? 0)
        const first = asked > BigInt(keptFrom.seq) ? asked : BigInt(keptFrom.seq)
        const askedLast = BigInt(request.toSeq ?? bounds.last)
        const last = askedLast < BigInt(bounds.last) ? askedLast : BigInt(bounds.last)
        if (last < first || (to && to < keptFrom.createdAt))
          throw new BackstitchError(
            'ROWS_NOT_KEPT',
            `kept from seq ${keptFrom.seq} of ${keptFrom.createdAt.toISOString()} on, the last one is ${bounds.last}`,
          )
        const id = newId()
        const values = [id, actor.id, reason, first, last, from ?? null, to ?? null, aggregateType ?? null]
        await tx.query(requestReplay(schema), [...values, key ?? null, topic ?? null, newIds]).catch(explain)
        const fromSeq = String(first)
        const toSeq = String(last)
        const after = { ...request, fromSeq, toSeq }
        const target = { kind: 'outbox.replay', id }
        await audit.record(tx, { actor, verb: 'outbox replay', target, reason, after })
        const isCut = from ? from < keptFrom.createdAt : request.fromSeq !== undefined && asked < first
        return { id, fromSeq, toSeq, keptFrom, isCut }
      }, verbTransaction)
    },
    replays: ({ id, limit = 20 } = {}) => {
      if (id !== undefined) assertId(id)
      return database.transaction(async (tx) => {
        const { rows } = await tx.query<ReplayRow>(listReplays(schema), [id ?? null, limit]).catch(explain)
        return rows.map(entryOf)
      })
    },
    cancelReplay: async (id, act) => {
      const { actor, reason } = checkedAct(act)
      assertId(id)
      await database.transaction(async (tx) => {
        const { rows } = await tx.query(cancelReplay(schema), [id]).catch(explain)
        if (rows.length === 0) throw new BackstitchError('REPLAY_NOT_FOUND', id)
        const target = { kind: 'outbox.replay', id }
        await audit.record(tx, { actor, verb: 'outbox cancel-replay', target, reason })
      }, verbTransaction)
    },
  }
}

function assertId(id: string): void {
  if (!isUuid(id)) throw new BackstitchError('CONFIG_INVALID', `"${id}" is no id of a replay`)
}

function assertRequest({ fromSeq, toSeq, from, to, topic }: ReplayRequest): void {
  const invalid = (what: string): BackstitchError => new BackstitchError('CONFIG_INVALID', `replay: ${what}`)
  if ([fromSeq, toSeq, from, to].every((bound) => bound === undefined))
    throw invalid('say from where, or up to where: a seq or a time')
  for (const seq of [fromSeq, toSeq])
    if (seq !== undefined && !/^\d{1,18}$/.test(seq)) throw invalid(`"${seq}" is no seq`)
  for (const time of [from, to]) if (time && Number.isNaN(time.getTime())) throw invalid('a time is none')
  if (topic !== undefined && !isTopicName(topic)) throw invalid(`"${topic}" is no name that Kafka allows`)
}

function entryOf(row: ReplayRow): ReplayEntry {
  const { aggregateType, key, topic, failure, published, skipped, refused, ...entry } = row
  return {
    ...entry,
    published: Number(published),
    skipped: Number(skipped),
    refused: Number(refused),
    ...(aggregateType !== null && { aggregateType }),
    ...(key !== null && { key }),
    ...(topic !== null && { topic }),
    ...(failure !== null && { failure }),
  }
}
