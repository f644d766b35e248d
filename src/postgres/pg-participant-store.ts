import type { ParticipantStore } from '../saga/participant/participant-store.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { namedStatement, runNamed } from './named-statement.ts'
import { insertStep } from './queries/participant/insert-step.ts'
import { isPast, readSteps, type StepRow } from './queries/participant/read-steps.ts'
import { quoteSchema } from './schema-name.ts'

/** The steps of a participant in Postgres, through transactions of `pgDatabase`. */
export function pgParticipantStore(schemaName: string): ParticipantStore {
  const schema = quoteSchema(schemaName)
  const read = namedStatement('steps', readSteps(schema))
  const insert = namedStatement('step', insertStep(schema))
  const past = namedStatement('past', isPast)
  const explain = explainSqlError(`${schemaName}.participant_step`)
  return {
    history: async (tx, { sagaId, step, round, direction }, expiresAtUs) => {
      const values = [sagaId, step, round, direction, expiresAtUs === undefined ? null : String(expiresAtUs)]
      const { rows } = await runNamed<StepRow>(tx, read, values).catch(explain)
      const records = rows.flatMap((row) =>
        row.round === null || row.direction === null
          ? []
          : [{ round: row.round, direction: row.direction, outcome: row.outcome }],
      )
      const own = rows.find((row) => row.round === round && row.direction === direction)
      return {
        records,
        expired: rows[0]?.expired === true,
        ...(own && { own: { outcome: own.outcome, reply: replyOf(own) } }),
      }
    },
    isPast: async (tx, timeUs) => {
      const { rows } = await runNamed<{ past: boolean }>(tx, past, [String(timeUs)])
      return rows[0]?.past === true
    },
    record: async (
      tx,
      { sagaId, step, round, direction, sagaName, commandType, commandId, outcome, reply },
    ) => {
      await runNamed(tx, insert, [
        sagaId,
        step,
        round,
        direction,
        sagaName,
        commandType,
        commandId,
        outcome,
        reply.text ?? null,
        reply.bytes ?? null,
      ]).catch(explain)
    },
  }
}

function replyOf({ reply, reply_binary: bytes }: StepRow): { text?: string; bytes?: Buffer } {
  if (reply !== null) return { text: reply }
  return bytes === null ? {} : { bytes }
}
