import type { Clock } from '../../kernel/clock.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { QuarantineChange, QuarantineSession } from './quarantine-session.ts'

/** Rows counted by one statement: some milliseconds. */
const countedAtOnce = 20_000
/** Between two such statements, so that others get in between. */
const countPauseMs = 10
/** While it is full it is counted anew so often: somebody may have deleted rows by hand. */
const recountEveryMs = 5_000

/** What {@link QuarantineRoom} needs. */
type QuarantineRoomOptions = {
  readonly session: Pick<QuarantineSession, 'countRows'>
  /** Rows at most. */
  readonly rowsMax: number
  /** Aborts when the tenure ends. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * How full the quarantine of a shard is. It must not grow without end: a topic that nobody creates would take the whole outbox over, row by
 * row. When it is full the shard waits, all of it, for its position cannot pass a row that is in neither place; nothing is lost, what is
 * parked can still leave, and then it goes on by itself.
 *
 * The count is kept in memory. It may be too high by rows that were parked while it was taken, which the next count mends.
 */
export class QuarantineRoom {
  readonly #options: QuarantineRoomOptions
  #rows = 0
  #sinceCount = 0
  #counting: Promise<void> | undefined
  #countedAtMs = 0
  #said: 'nothing' | 'half' | 'full' = 'nothing'

  constructor(options: QuarantineRoomOptions) {
    this.#options = options
  }

  /** Begins to count, beside everything else. */
  begin(): void {
    this.#counting ??= this.#recount().finally(() => {
      this.#counting = undefined
    })
  }

  /** Notes a change of the quarantine. */
  count({ parked = [], drained = [] }: QuarantineChange): void {
    const change = parked.length - drained.length
    this.#rows += change
    this.#sinceCount += change
    this.#tell()
  }

  get isFull(): boolean {
    return this.#rows >= this.#options.rowsMax
  }

  /** Why the shard waits; `undefined` while it does not. */
  get trouble(): string | undefined {
    if (!this.isFull) return undefined
    return new BackstitchError('OUTBOX_QUARANTINE_FULL', `${this.#options.rowsMax} rows`).message
  }

  /** To be called now and then while it is full. */
  look(): void {
    if (performance.now() >= this.#countedAtMs + recountEveryMs) this.begin()
  }

  /** Resolves once nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#counting
  }

  /** A failure of it is one of the session, which all others meet too. */
  async #recount(): Promise<void> {
    const { session, rowsMax, signal, clock } = this.#options
    this.#sinceCount = 0
    let counted = 0
    let afterSeq = '-1'
    try {
      while (!signal.aborted) {
        const { rows, lastSeq } = await session.countRows(afterSeq, countedAtOnce)
        counted += rows
        if (rows < countedAtOnce || counted >= rowsMax) break
        afterSeq = lastSeq
        await clock.pause(countPauseMs, signal)
      }
      if (signal.aborted) return
      this.#rows = Math.max(0, counted + this.#sinceCount)
      this.#tell()
    } catch {
      return
    } finally {
      this.#countedAtMs = performance.now()
    }
  }

  /** Says once that it is half full, and once that it is full, until it is less than that again. */
  #tell(): void {
    const { rowsMax, logger } = this.#options
    const rows = this.#rows
    const now = rows >= rowsMax ? 'full' : rows >= rowsMax / 2 ? 'half' : 'nothing'
    if (now === this.#said) return
    const before = this.#said
    this.#said = now
    const fields = { code: 'OUTBOX_QUARANTINE_FULL', rows, rowsMax }
    if (now === 'full') logger.error(fields, 'the quarantine is full: the outbox waits')
    else if (before === 'full')
      logger.info({ rows, rowsMax }, 'the quarantine has room again: the outbox goes on')
    else if (now === 'half')
      logger.warn(fields, 'the quarantine is half full: when it is full the outbox waits')
  }
}
