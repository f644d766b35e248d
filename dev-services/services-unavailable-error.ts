/** Nothing can provide a server that is needed. The message names what is missing and the three ways to provide it. */
export class ServicesUnavailableError extends Error {
  override readonly name = 'ServicesUnavailableError'

  /**
   * @param server what could not be had
   * @param variable the environment variable that would provide it
   * @param reasons why each way failed, in the order they were tried
   * @param local what the third way needs
   */
  constructor(
    server: 'Postgres' | 'Kafka',
    variable: 'DATABASE_URL' | 'KAFKA_BROKERS',
    reasons: readonly string[],
    local: string,
    options?: ErrorOptions,
  ) {
    super(
      [
        `No ${server} can be provided:`,
        ...reasons.map((reason) => `  - ${reason}`),
        'Provide one in any of three ways:',
        `  1. set ${variable} to a running ${server} (docker-compose.yml shows the settings it needs)`,
        '  2. start a Docker engine (a client alone is not enough)',
        `  3. local programs: ${local}`,
      ].join('\n'),
      options,
    )
  }
}
