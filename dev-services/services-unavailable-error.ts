/** Nothing can provide a server that is needed. The message names what is missing and the three ways to provide it. */
export class ServicesUnavailableError extends Error {
  override readonly name = 'ServicesUnavailableError'

  /**
   * @param what the server, the variable that would provide it and what its local programs need
   * @param reasons why each way that was tried failed
   * @param own the run needs a server of its own, so that only local programs will do
   */
  constructor(
    what: { server: string; variable: string; local: string },
    reasons: readonly string[],
    own: boolean,
    options?: ErrorOptions,
  ) {
    super(
      [
        `No ${what.server} can be provided:`,
        ...reasons.map((reason) => `  - ${reason}`),
        ...(own
          ? [`This run kills or freezes its ${what.server}, so it needs one of its own: ${what.local}.`]
          : [
              'There are three ways to provide one:',
              `  1. set ${what.variable} to one that runs (docker-compose.yml shows the settings it needs);`,
              '  2. start a Docker engine (the docker command alone is not one);',
              `  3. local programs: ${what.local}.`,
            ]),
      ].join('\n'),
      options,
    )
  }
}
