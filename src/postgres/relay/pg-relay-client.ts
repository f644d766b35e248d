import { Client, type ClientConfig, type Submittable } from 'pg'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import { assertSchema } from '../assert-schema.ts'
import { isUnreachable } from '../explain-connection-error.ts'

/** A row as text: the relay takes each value as Postgres writes it. */
export type TextRow = readonly (string | null)[]

/** A statement with a name is parsed and planned once a connection. */
export type NamedStatement = { readonly name: string; readonly text: string }

const asText = (value: string): string => value

/** A statement’s time was over. */
const queryCanceled = '57014'

/** SQLSTATEs of a table, column, function or schema that is not there. */
const missing = new Set(['42P01', '42703', '42883', '3F000'])

/**
 * One connection for a relay, with the settings its statements rely on.
 *
 * Every query has a deadline on our side too: past it the connection is gone, for what stands behind a query that hangs would hang as well.
 */
export class PgRelayClient {
  readonly #client: Client
  readonly #name: string
  #broken: unknown

  private constructor(client: Client, name: string) {
    this.#client = client
    this.#name = name
    client.on('error', (error) => {
      this.#broken = error
    })
  }

  /**
   * @param deadlineMs for each query, and for connecting
   * @param isPipelined whether statements are sent without waiting for the answers before them; there are no copies then
   * @throws `DATABASE_UNREACHABLE`, `DATABASE_FAILING`
   */
  static async connect(
    config: ClientConfig,
    name: string,
    deadlineMs: number,
    applicationName: string = 'backstitch relay',
    isPipelined: boolean = true,
  ): Promise<PgRelayClient> {
    const client = new Client({
      ...config,
      // older versions of pg than 8.23 ignore it and send one statement at a time, which is slower and otherwise the same
      pipeline: isPipelined,
      keepAlive: true,
      application_name: applicationName,
      connectionTimeoutMillis: deadlineMs,
      query_timeout: deadlineMs,
      statement_timeout: undefined,
      types: { getTypeParser: () => asText },
    })
    const connection = new PgRelayClient(client, name)
    try {
      await client.connect()
      await client.query(sessionSettings(deadlineMs))
      return connection
    } catch (error) {
      connection.close()
      throw connection.#explain(error)
    }
  }

  /**
   * Runs a named statement.
   * @param deadlineMs on our side alone, instead of the connection’s
   * @throws `DATABASE_UNREACHABLE`, `DATABASE_FAILING`, `SCHEMA_MISSING`
   */
  async run(
    statement: NamedStatement,
    values: readonly unknown[] = [],
    deadlineMs?: number,
  ): Promise<readonly TextRow[]> {
    try {
      const result = await this.#client.query<(string | null)[]>({
        name: statement.name,
        text: statement.text,
        values: values as unknown[],
        rowMode: 'array',
        ...(deadlineMs !== undefined && { query_timeout: deadlineMs }),
      })
      return result.rows
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Runs a copy on a connection that is not pipelined. @throws `DATABASE_UNREACHABLE`, `DATABASE_FAILING`, `SCHEMA_MISSING` */
  async copy(copy: Submittable & { readonly done: Promise<void> }): Promise<void> {
    try {
      this.#client.query(copy)
      await copy.done
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** @throws `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER` when the outbox of the schema is not the one that this code knows */
  async assertSchema(schema: string): Promise<void> {
    try {
      await assertSchema({ pool: this.#client, parts: ['outbox'], schema })
    } catch (error) {
      throw isBackstitchError(error) ? error : this.#explain(error)
    }
  }

  /**
   * Runs statements that lock tables in one transaction, which gives up after 50 ms of waiting: `false`. They go as one message: the
   * server has all of it before it begins, so no frozen client keeps the transaction open, and a failure leaves none behind.
   */
  async runQuickly(statements: readonly string[]): Promise<boolean> {
    try {
      await this.#client.query([`set local lock_timeout = '50ms'`, ...statements].join(';\n'))
      return true
    } catch (error) {
      if (sqlStateOf(error) === undefined) throw this.#explain(error)
      return false
    }
  }

  /** Lets go at once. */
  close(): void {
    void this.#client.end().catch(() => undefined)
    // a server that does not answer must not keep the socket, and so this process, alive
    const { stream } = (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection
    setTimeout(() => stream.destroy(), 200).unref()
  }

  #explain(thrown: unknown): BackstitchError {
    const state = sqlStateOf(thrown)
    const place = `${this.#name}: ${reasonOf(this.#broken ?? thrown)}`
    const becomes = (code: ErrorCode): BackstitchError => new BackstitchError(code, place, { cause: thrown })
    if (state === undefined || isUnreachable(thrown)) return becomes('DATABASE_UNREACHABLE')
    if (/^(28|3D)/.test(state)) return becomes('DATABASE_REFUSED')
    if (state === queryCanceled) return becomes('DATABASE_TOO_SLOW')
    return becomes(missing.has(state) ? 'SCHEMA_MISSING' : 'DATABASE_FAILING')
  }
}

/** The SQLSTATE of what a query threw, also behind a {@link BackstitchError}; `undefined` where the server did not speak. */
export function sqlStateOf(thrown: unknown): string | undefined {
  const error = thrown as { code?: unknown; cause?: unknown } | null
  if (typeof error?.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error)
    return error.code
  return error?.cause === undefined ? undefined : sqlStateOf(error.cause)
}

function sessionSettings(deadlineMs: number): string {
  return Object.entries({
    search_path: 'pg_catalog',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: 'off',
    // row security that hides rows must be an error: the snapshot moves on past what was hidden
    row_security: 'off',
    // a checkpoint or a forced flush that is not on disk proves nothing
    synchronous_commit: 'on',
    bytea_output: 'hex',
    extra_float_digits: '1',
    // nothing of ours outlasts its lease, however a server or this process freezes
    // a little before our own deadline, so that a server which is merely slow says so itself
    statement_timeout: `${Math.ceil(deadlineMs * 0.9)}ms`,
    lock_timeout: `${Math.ceil(deadlineMs / 2)}ms`,
    idle_in_transaction_session_timeout: `${deadlineMs}ms`,
    // a machine that is gone must not be counted among the relays for hours
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '2',
    tcp_keepalives_count: '3',
    // plans must not depend on statistics: each statement has one index that serves it, and is planned once
    plan_cache_mode: 'force_generic_plan',
    enable_seqscan: 'off',
    enable_bitmapscan: 'off',
    max_parallel_workers_per_gather: '0',
    jit: 'off',
  })
    .map(([name, value]) => `set ${name} = '${value}'`)
    .join(';\n')
}
