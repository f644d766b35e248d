import type { Broker } from '@platformatic/kafka'

/**
 * Which brokers failed last, shared by all clusters of a transport: any broker will do for most questions, and one that hangs should be asked
 * by the first who meets it, not by everybody again.
 */
export class BrokerHealth {
  /** Addresses that failed, the latest failure last. */
  readonly #failed = new Set<string>()

  /** It could not be reached, or did not answer in time. */
  failed(broker: Broker): void {
    const address = addressOf(broker)
    this.#failed.delete(address)
    this.#failed.add(address)
  }

  answered(broker: Broker): void {
    this.#failed.delete(addressOf(broker))
  }

  /** Those that failed stand behind all others, the one whose failure is the latest at the end. */
  inOrder<Candidate extends { readonly broker: Broker }>(candidates: readonly Candidate[]): Candidate[] {
    const latest = [...this.#failed]
    const rank = ({ broker }: Candidate): number => latest.indexOf(addressOf(broker))
    return candidates.toSorted((one, other) => rank(one) - rank(other))
  }
}

/** `host:port`. */
export function addressOf({ host, port }: Broker): string {
  return `${host}:${port}`
}
