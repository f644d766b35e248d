import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import type { Judgement } from '../finding.ts'
import { checkConnection } from './check-connection.ts'
import { checkInbox } from './check-inbox.ts'
import { checkOutbox } from './check-outbox.ts'
import { checkRights } from './check-rights.ts'
import { checkSchema } from './check-schema.ts'
import { checkServer } from './check-server.ts'
import { checkTransactions } from './check-transactions.ts'

/** All checks of one database, in the order in which they are told. */
export function checkDatabase(facts: DatabaseFacts): readonly Judgement[] {
  const checks = [
    checkServer,
    checkConnection,
    checkSchema,
    checkRights,
    checkOutbox,
    checkInbox,
    checkTransactions,
  ]
  return checks.flatMap((check) => check(facts))
}
