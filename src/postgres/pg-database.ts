import type pg from 'pg'
import { type Database, type LastStatement, sqlStateOf, type TransactionOptions } from '../kernel/database.ts'
import type { ErrorCode } from '../kernel/error-catalogue.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import type { SqlExecutor, SqlRow } from '../kernel/sql-executor.ts'
import { explainConnectionError, isUnreachable } from './explain-connection-error.ts'
import { type NamedStatement, runNamed } from './named-statement.ts'
import { poolPlace } from './pool-place.ts'

/** Runs single statements, each a transaction of its own. */
export type PgStatements = {
  /**
   * @param signal when it aborts, the connection is cut, and the call rejects with its reason
   * @throws as `transaction`
   */
  readonly statement: <Row extends SqlRow>(
    statement: NamedStatement,
    values: readonly unknown[],
    signal?: AbortSignal,
  ) => Promise<{ rows: Row[]; rowCount: number | null }>
}

/**
 * Runs transactions on the clients of a pool. The pool stays the user’s: its settings count, and nobody here ends it.
 *
 * The transaction handed to the work is the `pg` client, so that any library that takes one can be used, until the work has ended: what
 * runs a statement through it later (a forgotten `await`, the rest of a `Promise.all`) gets `TRANSACTION_ENDED`, for by then the client may be in
 * the middle of another one.
 */
export function pgDatabase(pool: pg.Pool): Database & PgStatements {
  const place = poolPlace(pool)
  surviveIdleErrors(pool)
  const withClient = async <Result>(
    work: (client: pg.PoolClient) => Promise<Result>,
    signal: AbortSignal | undefined,
    afterError: (client: pg.PoolClient) => Promise<unknown>,
  ): Promise<Result> => {
    const client = await connect(pool, place, signal)
    let lost: unknown
    // An error of a client that nobody listens to would end the process.
    const noteLoss = (thrown: unknown): void => void (lost ??= thrown)
    client.on('error', noteLoss)
    let broken = true
    try {
      const result = await unlessAborted(work(client), signal)
      broken = false
      return result
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason
      lost ??= await afterError(client)
      broken = lost !== undefined || isStandby(thrown)
      throw explain(thrown, lost, place)
    } finally {
      client.off('error', noteLoss)
      client.release(broken)
    }
  }
  return {
    transaction: (work, options = {}) =>
      withClient(
        (client) => runTransaction(client, work, options),
        options.signal,
        // Behind a statement that the work has left running, or on a line that swallows packets, a rollback has no end of its own.
        (client) => unlessAborted(rollback(client), options.signal),
      ),
    statement: <Row extends SqlRow>(
      statement: NamedStatement,
      values: readonly unknown[],
      signal?: AbortSignal,
    ) =>
      withClient(
        (client) => runNamed<Row>(client, statement, values),
        signal,
        () => Promise.resolve(undefined),
      ),
  }
}

const heard = new WeakSet<pg.Pool>()

/** A pool tells of idle clients that lost their connection, and ends the process when nobody listens; it has thrown them away already. */
function surviveIdleErrors(pool: pg.Pool): void {
  if (heard.has(pool)) return
  heard.add(pool)
  pool.on('error', () => undefined)
}

async function runTransaction<Result>(
  client: pg.PoolClient,
  work: (tx: SqlExecutor) => Promise<Result>,
  options: TransactionOptions,
): Promise<Result> {
  const begun = client.query(beginStatement(options))
  if (!client.pipeline || options.isFirstGuarded !== true) await begun
  // where it fails while the work fails too, the work says what is to be done
  else begun.catch(() => undefined)
  const { tx, end } = lentClient(client)
  let result: Result
  try {
    // cut short by its signal it goes on, on a connection that is thrown away
    result = await work(tx)
  } finally {
    end()
  }
  await begun
  await commit(client, options.last?.())
  return result
}

/** A view of a client that takes statements until it is ended. */
function lentClient(client: pg.PoolClient): { readonly tx: SqlExecutor; readonly end: () => void } {
  let hasEnded = false
  const query = (...given: Parameters<pg.PoolClient['query']>): unknown =>
    hasEnded ? refuse(given) : client.query(...given)
  const view: unknown = Object.create(client, { query: { value: query, writable: true } })
  return { tx: view as SqlExecutor, end: () => void (hasEnded = true) }
}

function refuse(given: readonly unknown[]): Promise<never> {
  const [statement] = given
  const callback = given.at(-1)
  const text = typeof statement === 'string' ? statement : ((statement ?? {}) as { text?: unknown }).text
  const thrown = new BackstitchError('TRANSACTION_ENDED', String(text).slice(0, 100))
  if (typeof callback === 'function') process.nextTick(callback, thrown)
  const refused = Promise.reject(thrown)
  // whoever has forgotten to wait for the statement hears nothing of it either, and the process goes on
  refused.catch(() => undefined)
  return refused
}

/** Postgres answers the commit of a failed transaction with a rollback and no error. */
async function commit(client: pg.PoolClient, last: LastStatement | undefined): Promise<void> {
  if (last && !client.pipeline) {
    // of statements in one message the first that fails is the last that runs: what could not be written is never committed
    await client.query(`${last.literal()};\ncommit`).catch(explainAborted)
    return
  }
  const written = last && client.query({ ...last, values: [...last.values] })
  const committed = client.query('commit')
  committed.catch(() => undefined)
  await written?.catch(explainAborted)
  const { command } = await committed
  if (command !== 'COMMIT') throw aborted()
}

function explainAborted(thrown: unknown): never {
  throw sqlStateOf(thrown) === '25P02' ? aborted() : thrown
}

function aborted(): BackstitchError {
  return new BackstitchError('TRANSACTION_ABORTED', 'The work went on after the error of a statement')
}

function beginStatement({ isolation, idleMsMax, isFirstGuarded }: TransactionOptions): string {
  let text = isolation === undefined ? 'begin' : `begin isolation level ${isolation}`
  if (idleMsMax !== undefined)
    text += `; set local idle_in_transaction_session_timeout = ${Math.max(1, Math.trunc(idleMsMax))}`
  // see transactionBegan
  if (isFirstGuarded === true) text += `; set local backstitch.began = 'yes'`
  return text
}

/** A pool waits for ever by default: the wait ends with the signal, and a client that comes later goes back at once. */
async function connect(
  pool: pg.Pool,
  place: string,
  signal: AbortSignal | undefined,
): Promise<pg.PoolClient> {
  const connecting = pool.connect()
  try {
    return await unlessAborted(connecting, signal)
  } catch (thrown) {
    connecting.then(
      (late) => late.release(),
      () => undefined,
    )
    if (signal?.aborted) throw signal.reason
    try {
      return explainConnectionError(place)(thrown)
    } catch (explained) {
      if (isBackstitchError(explained)) throw explained
      throw new BackstitchError('DATABASE_UNREACHABLE', `${place}: ${reasonOf(thrown)}`, { cause: thrown })
    }
  }
}

/** @returns what it threw: the connection is lost */
async function rollback(client: pg.PoolClient): Promise<unknown> {
  try {
    await client.query('rollback')
    return undefined
  } catch (thrown) {
    return thrown
  }
}

/**
 * Names what is the database’s doing. Errors of the work pass as they are, unless the connection is gone: then nothing they say counts,
 * for the work was cut short. The exception are the limits of the session itself (25P03, 25P04): there the work was too slow.
 */
function explain(thrown: unknown, lost: unknown, place: string): unknown {
  // The server says why it ends a session; what fails afterwards only says that the connection is gone.
  const cause = lost === undefined || sqlStateOf(thrown) !== undefined ? thrown : lost
  const state = sqlStateOf(cause) ?? ''
  const becomes = (code: ErrorCode): BackstitchError =>
    new BackstitchError(code, `${place}: ${reasonOf(cause)}`, {
      cause,
      ...(state !== '' && { details: { sqlState: state } }),
    })
  if (state === '25P03' || state === '25P04') return cause
  if (isStandby(cause)) return becomes('DATABASE_IS_STANDBY')
  if (lost !== undefined || (state !== '' && isUnreachable(cause))) return becomes('DATABASE_UNREACHABLE')
  if (state === '40001' || state === '40P01') return becomes('TRANSACTION_CONFLICT')
  if (/^(53|58)/.test(state)) return becomes('DATABASE_FAILING')
  return thrown
}

function isStandby(thrown: unknown): boolean {
  return sqlStateOf(thrown) === '25006'
}

function unlessAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
