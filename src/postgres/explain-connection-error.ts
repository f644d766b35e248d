import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'

/** What the operating system says of a server that is not there, or not there yet. */
const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // a Unix socket
])

/** What `pg` says without a code when the connection is lost, or does not come about in time. */
const lostConnection =
  /^(Connection terminated|Client has encountered a connection error|timeout expired|timeout exceeded when trying to connect)/

/**
 * Whether an error of `pg` means that the server cannot be reached just now, so that a later try can succeed: refused, unknown host, lost,
 * starting up or shutting down (`57P01` to `57P03`), out of connections (`53300`), or any other error of SQLSTATE class 08.
 */
export function isUnreachable(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isUnreachable)
  const code = (thrown as { code?: unknown } | null)?.code
  if (typeof code === 'string')
    return (
      systemCodes.has(code) ||
      /^(08...|57P0[123]|53300)$/.test(code) ||
      isBackstitchError(thrown, 'DATABASE_UNREACHABLE')
    )
  return thrown instanceof Error && lostConnection.test(thrown.message)
}

/** Refusals that trying again cannot help: wrong user or password (class 28), no such database, no right to connect. */
function isRefusal(thrown: unknown): boolean {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' && /^(28...|3D000|42501)$/.test(code)
}

/**
 * Turns what connecting threw into an error that says what to do: `DATABASE_UNREACHABLE` or `DATABASE_REFUSED`; all else passes as it is.
 * @param place the database as people know it, without its password
 * @example await pool.connect().catch(explainConnectionError('orders at db:5432'))
 */
export function explainConnectionError(place: string): (thrown: unknown) => never {
  return (thrown) => {
    const reason = `${place}: ${reasonOf(thrown)}`
    if (isUnreachable(thrown)) throw new BackstitchError('DATABASE_UNREACHABLE', reason, { cause: thrown })
    if (isRefusal(thrown)) throw new BackstitchError('DATABASE_REFUSED', reason, { cause: thrown })
    throw thrown
  }
}
