import { fingerprintOf } from '../inbox/identity/fingerprint.ts'
import type { InboxStore } from '../inbox/inbox-store.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { pgClaims } from './inbox/pg-claims.ts'
import { namedStatement, runNamed } from './named-statement.ts'
import { buryMessage } from './queries/inbox/bury-message.ts'
import { quoteSchema } from './schema-name.ts'

/**
 * The inbox and the dead letters in Postgres, through transactions of `pgDatabase`.
 * @param nameInInbox the name under which the inbox knows a group; the dead letters know it by its own. Default: the same
 */
export function pgInboxStore(
  schemaName: string,
  nameInInbox: (group: string) => string = (group) => group,
): InboxStore {
  const bury = namedStatement('bury', buryMessage(quoteSchema(schemaName)))
  return {
    claim: pgClaims(schemaName, nameInInbox),
    bury: async (tx, letter) => {
      const { rows } = await runNamed<{ claimed: boolean }>(tx, bury, [
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
        String(fingerprintOf(letter.payload)),
        Math.trunc(letter.timestampMs),
        letter.state,
        // A length of time, for the clock of the database may be another one.
        letter.dueAtMs === undefined ? 0 : Math.max(0, letter.dueAtMs - Date.now()),
        letter.order === 'key' && letter.key !== null,
        nameInInbox(letter.group),
      ]).catch(explainSqlError(`${schemaName}.dead_letter`))
      return rows[0]?.claimed === true
    },
  }
}
