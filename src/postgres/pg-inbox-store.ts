import type { InboxStore } from '../inbox/inbox-store.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { namedStatement, runNamed } from './named-statement.ts'
import { buryMessage } from './queries/inbox/bury-message.ts'
import { claimMessage, claimMessageInLine } from './queries/inbox/claim-message.ts'
import { quoteSchema } from './schema-name.ts'

/** The inbox and the dead letters in Postgres, through transactions of `pgDatabase`. */
export function pgInboxStore(schemaName: string): InboxStore {
  const schema = quoteSchema(schemaName)
  const claim = namedStatement('claim', claimMessage(schema))
  const claimInLine = namedStatement('claim in line', claimMessageInLine(schema))
  const bury = namedStatement('bury', buryMessage(schema))
  return {
    claim: async (tx, { group, source, id }, lockOn) => {
      const values = [group, source, id]
      const { rowCount } = await (lockOn === undefined
        ? runNamed(tx, claim, values)
        : runNamed(tx, claimInLine, [...values, lockOn])
      ).catch(explainSqlError(`${schemaName}.inbox`))
      return rowCount === 1
    },
    bury: async (tx, letter) => {
      const { rowCount } = await runNamed(tx, bury, [
        letter.group,
        letter.topic,
        letter.messageId,
        letter.partition,
        String(letter.offset),
        letter.key,
        letter.type ?? null,
        JSON.stringify(letter.headers),
        letter.payload,
        letter.reasonCode,
        letter.reason,
        letter.stack ?? null,
        letter.attempts,
      ]).catch(explainSqlError(`${schemaName}.dead_letter`))
      return rowCount === 1
    },
  }
}
