import { BackstitchError, isBackstitchError, reasonOf } from '../../../kernel/errors.ts'
import { code, codeName } from './error-codes.ts'

/** Nobody but an administrator can mend these. */
const accessCodes: ReadonlySet<number> = new Set([
  code.topicAuthorizationFailed,
  code.groupAuthorizationFailed,
  code.clusterAuthorizationFailed,
])

/** A broker’s no. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal'
  readonly errorCode: number

  constructor(errorCode: number, detail?: string | null) {
    super(detail ? `${codeName(errorCode)}: ${detail}` : codeName(errorCode))
    this.errorCode = errorCode
  }
}

/** @throws BrokerRefusal unless the code says that all is well */
export function assertAccepted(errorCode: number, detail?: string | null): void {
  if (errorCode !== code.none) throw new BrokerRefusal(errorCode, detail)
}

/** Kafka’s number of a refusal; `undefined` for all else that can be thrown. */
export function refusalCode(thrown: unknown): number | undefined {
  return thrown instanceof BrokerRefusal ? thrown.errorCode : undefined
}

/** The error that leaves the driver: `KAFKA_ACCESS_DENIED` where the broker says no, else `KAFKA_UNREACHABLE`. */
export function kafkaError(thrown: unknown, place: string): BackstitchError {
  if (isBackstitchError(thrown)) return thrown
  const denied = accessCodes.has(refusalCode(thrown) ?? code.none) || isAuthentication(thrown)
  return new BackstitchError(
    denied ? 'KAFKA_ACCESS_DENIED' : 'KAFKA_UNREACHABLE',
    `${place}: ${reasonsOf(thrown)}`,
    { cause: thrown },
  )
}

/** The library wraps what went wrong in errors that say no more than that a connection failed. */
function reasonsOf(thrown: unknown): string {
  const reasons: string[] = []
  for (const error of chainOf(thrown)) {
    const reason = reasonOf(error)
    if (!reasons.some((known) => known.includes(reason))) reasons.push(reason)
  }
  return reasons.join(': ')
}

function isAuthentication(thrown: unknown): boolean {
  return chainOf(thrown).some((error) => 'code' in error && error.code === 'PLT_KFK_AUTHENTICATION')
}

const depthMax = 8

function chainOf(thrown: unknown): Error[] {
  const chain: Error[] = []
  for (let error = thrown; error instanceof Error && chain.length < depthMax; error = error.cause)
    chain.push(error)
  return chain
}
