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
  const { code, syscall } = (thrown ?? {}) as { code?: unknown; syscall?: unknown }
  if (typeof code === 'string')
    return (
      systemCodes.has(code) ||
      // A Unix socket that is not there; the file of a certificate says `open`.
      (code === 'ENOENT' && syscall === 'connect') ||
      /^(08...|57P0[123]|53300)$/.test(code) ||
      isBackstitchError(thrown, 'DATABASE_UNREACHABLE')
    )
  return thrown instanceof Error && lostConnection.test(thrown.message)
}

/** Wrong user or password (class 28), no such database, no right to connect. */
const refusedStates = /^(28...|3D000|42501)$/

/** What Node says of a certificate that it does not accept, or of a server that does not speak TLS. */
const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/

/** What `pg` says without a code. */
const refusedMessages = /^(SASL: |The server does not support SSL connections)/

/** Refusals that trying again cannot help. */
function isRefusal(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.some(isRefusal)
  const code = (thrown as { code?: unknown } | null)?.code
  if (typeof code === 'string') return refusedStates.test(code) || tlsCodes.test(code)
  return thrown instanceof Error && refusedMessages.test(thrown.message)
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
