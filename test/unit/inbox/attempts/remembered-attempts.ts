import {
  type AttemptLog,
  type AttemptPlace,
  nothingStarted,
  type StartedAttempts,
} from '../../../../src/inbox/attempts/attempt-log.ts'

type Row = { owner: string; epoch: bigint; started: StartedAttempts }

/** A log of attempts that outlives the members of a test, as the table outlives their processes. */
export class RememberedAttempts implements AttemptLog {
  readonly #rows = new Map<string, Row>()
  /** What was written, in order. */
  readonly notes: StartedAttempts[] = []
  /** Awaited before each write: lets a test hold it up, or fail it. */
  beforeNote: () => Promise<void> = () => Promise.resolve()

  row(place: AttemptPlace): StartedAttempts | undefined {
    return this.#rows.get(named(place))?.started
  }

  take(place: AttemptPlace, owner: string): ReturnType<AttemptLog['take']> {
    const was = this.#rows.get(named(place))
    const { alone, deaths, isGivenBack } = was?.started ?? nothingStarted
    const counts = alone !== undefined && !isGivenBack && was?.owner !== owner
    const started = {
      ...(was?.started ?? nothingStarted),
      alone: undefined,
      isGivenBack: false,
      deaths: counts ? [...deaths, alone] : deaths,
    }
    const epoch = (was?.epoch ?? 0n) + 1n
    this.#rows.set(named(place), { owner, epoch, started })
    return Promise.resolve({ tenure: { owner, epoch }, left: started })
  }

  async note(
    place: AttemptPlace,
    { owner, epoch }: { readonly owner: string; readonly epoch: bigint },
    started: StartedAttempts,
  ): Promise<boolean> {
    await this.beforeNote()
    const row = this.#rows.get(named(place))
    if (row?.owner !== owner || row.epoch !== epoch) return false
    row.started = started
    this.notes.push(started)
    return true
  }
}

function named({ group, topic, partition }: AttemptPlace): string {
  return `${group} ${topic}/${partition}`
}
