import type { LetterOperator } from '../../../inbox/letters/operator/letter-operator.ts'
import type { KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { createLetterOperator } from '../../../runtime/operators/letter-operator.ts'
import type { CommandContext } from '../../command-context.ts'

/** Does work with the operator of a database’s dead letters, once the database answers. */
export function withLettersOf<Result>(
  { withPool }: CommandContext,
  database: KnownDatabase,
  work: (operator: LetterOperator) => Promise<Result>,
): Promise<Result> {
  return withPool(database, (pool) => work(createLetterOperator({ database: pool, schema: database.schema })))
}
