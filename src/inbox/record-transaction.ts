import type { Database, TransactionOptions } from '../kernel/database.ts'
import { BackstitchError, isBackstitchError } from '../kernel/errors.ts'
import type { SqlExecutor } from '../kernel/sql-executor.ts'

/** How far a transaction has come: tells whose fault it is when its time is over. */
type Stage = 'database' | 'handler'

/** What the work of {@link RecordTransactions} gets. */
type RecordTransaction = {
  readonly tx: SqlExecutor
  readonly signal: AbortSignal
  /** Runs the handler’s part. */
  readonly handling: <Result>(handler: () => Promise<Result>) => Promise<Result>
}

/** Runs the transactions of records, each within a limit of time. */
export type RecordTransactions = {
  /** @param options.isFirstGuarded as in `TransactionOptions` */
  run<Result>(
    work: (transaction: RecordTransaction) => Promise<Result>,
    options?: Pick<TransactionOptions, 'isFirstGuarded'>,
  ): Promise<Result>
  /** Cuts all that run now, and all that begin later. */
  abort(reason: BackstitchError): void
}

/** The server’s own limit comes after ours: it is for processes that are frozen and cannot keep theirs. */
const frozenAfterMs = 5_000

/**
 * Makes {@link RecordTransactions}. A handler that never answers, and a database that never answers, would otherwise hold their partition
 * and their locks for ever.
 *
 * @param options.msMax for all of a transaction: claim, handler, commit
 */
export function recordTransactions(
  database: Database,
  options: { readonly msMax: number } & Pick<TransactionOptions, 'isolation'>,
): RecordTransactions {
  const { msMax, isolation } = options
  const running = new Set<AbortController>()
  let aborted: BackstitchError | undefined
  return {
    run: async (work, { isFirstGuarded = false } = {}) => {
      if (aborted) throw aborted
      const controller = new AbortController()
      let stage: Stage = 'database'
      const timer = setTimeout(() => controller.abort(overdue(stage, msMax)), msMax)
      running.add(controller)
      const handling = async <Result>(handler: () => Promise<Result>): Promise<Result> => {
        stage = 'handler'
        const result = await handler()
        stage = 'database'
        return result
      }
      try {
        return await database.transaction((tx) => work({ tx, signal: controller.signal, handling }), {
          signal: controller.signal,
          idleMsMax: msMax + frozenAfterMs,
          isFirstGuarded,
          ...(isolation && { isolation }),
        })
      } finally {
        clearTimeout(timer)
        running.delete(controller)
      }
    },
    abort: (reason) => {
      aborted = reason
      for (const controller of running) controller.abort(reason)
    },
  }
}

function overdue(stage: Stage, msMax: number): BackstitchError {
  const options = { details: { overdueAfterMs: msMax } }
  return stage === 'handler'
    ? new BackstitchError('HANDLER_FAILED', `The handler did not end within ${msMax} ms`, options)
    : new BackstitchError('DATABASE_UNREACHABLE', `The database did not answer within ${msMax} ms`, options)
}

/** Whether a transaction was cut because its time was over: the database is gone, or there was too much to do. */
export function isOverdue(thrown: unknown): boolean {
  return isBackstitchError(thrown) && thrown.details['overdueAfterMs'] !== undefined
}
