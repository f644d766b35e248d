import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { AttemptLog, AttemptPlace, AttemptTenure, StartedAttempts } from './attempt-log.ts'
import { AttemptMachine, type AttemptUnit } from './attempt-machine.ts'

/** What the attempts of a partition are remembered with. */
export type PartitionAttemptsOptions = {
  readonly log: AttemptLog
  readonly place: AttemptPlace
  /** Of the member: a UUID, new at each start. */
  readonly owner: string
  /** How often a message may end its process. */
  readonly killsMax: number
  /** Aborts when the tenure is over. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/**
 * How a suspect begins.
 * - `begun`: its handler may be called
 * - `later`: a process died with it alone; it waits for so long, and its key with it, while others go on
 * - `given up`: it goes to the dead letters; `mayRead` says whether its body may be looked at, which may be what kills
 */
export type SoloStart =
  | { readonly kind: 'begun' }
  | { readonly kind: 'later'; readonly afterMs: number }
  | {
      readonly kind: 'given up'
      readonly reason: BackstitchError
      readonly deaths: number
      readonly mayRead: boolean
    }

/** Enough for what is quick to be done before a killer’s next turn, for each death that it has caused. */
const deathPauseMs = 5_000

/**
 * The attempts of one tenure of a partition: says which records are suspects, and sees to it that what begins is written down before, with
 * as few writes as that takes. Writes of a partition follow one another; several that are wanted meanwhile become one.
 */
export class PartitionAttempts {
  readonly #options: PartitionAttemptsOptions
  readonly #machine: AttemptMachine
  #tenure: AttemptTenure
  #writing: Promise<void> | undefined
  #next: Promise<void> | undefined
  #isDirty = false

  private constructor(options: PartitionAttemptsOptions, tenure: AttemptTenure, left: StartedAttempts) {
    this.#options = options
    this.#tenure = tenure
    this.#machine = new AttemptMachine(left, options)
  }

  /**
   * Takes the partition over in the log.
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, …
   */
  static async take(options: PartitionAttemptsOptions): Promise<PartitionAttempts> {
    const { tenure, left } = await options.log.take(options.place, options.owner)
    return new PartitionAttempts(options, tenure, left)
  }

  /**
   * Takes note of what was fetched, all of it at once and before it is queued.
   * @returns which of it has to run alone; `undefined` when none has
   */
  fetched(
    records: readonly { readonly offset: bigint }[],
    highWatermark: bigint,
  ): ReadonlySet<bigint> | undefined {
    const [first] = records
    const machine = this.#machine
    if (first === undefined) return undefined
    machine.fetched(first.offset, highWatermark)
    if (!machine.hasUnfetchedSuspects) return undefined
    const suspects = new Set<bigint>()
    for (const { offset } of records) if (machine.isSuspect(offset)) suspects.add(offset)
    if (suspects.size === 0) return undefined
    const { topic, partition } = this.#options.place
    this.#options.logger.warn(
      { topic, partition, count: suspects.size, offset: String(first.offset) },
      'these messages were begun by a process that did not end them; each runs alone, in case it is one of them that ended the process',
    )
    return suspects
  }

  /**
   * A unit of the partition begins, except a suspect. Where it gives a promise, the unit must wait for it.
   * @throws what the log throws, by the promise; `TRANSACTION_CONFLICT` when the partition is another’s
   */
  begin(unit: AttemptUnit): Promise<void> | undefined {
    const says = this.#machine.begin(unit)
    if (says === 'covered') return undefined
    const written = this.#write()
    if (says === 'wait') return written
    written.catch(() => undefined) // the next unit that needs it writes it again
    return undefined
  }

  /** The unit has ended, however it did: also when {@link begin} has failed. */
  end(unit: AttemptUnit): void {
    this.#machine.end(unit)
  }

  /**
   * A suspect begins. Nothing else of the member, and no suspect of the process, may be in hand until {@link endAlone}, which has to be
   * called whatever this says.
   * @throws as {@link begin}
   */
  async beginAlone(offset: bigint): Promise<SoloStart> {
    const says = this.#machine.beginAlone(offset)
    const deaths = this.#machine.deathsOf(offset)
    if (says === 'later') return { kind: 'later', afterMs: deaths * deathPauseMs }
    await this.#write()
    if (says === 'wait') return { kind: 'begun' }
    const { topic, partition } = this.#options.place
    const reason = new BackstitchError(
      'MESSAGE_KILLS',
      `${topic}/${partition} at offset ${offset}: ${deaths + 1} processes died with it, the last ${deaths} with nothing else in hand`,
      { details: { deaths: deaths + 1 } },
    )
    return { kind: 'given up', reason, deaths: deaths + 1, mayRead: says === 'given up' }
  }

  /** A suspect has ended. @param isDone it is not tried again */
  endAlone(offset: bigint, isDone: boolean): void {
    this.#machine.endAlone(offset, isDone)
    this.#isDirty = true
    // What begins at once writes the same and more.
    setImmediate(() => {
      if (this.#isDirty) this.#write().catch(() => undefined)
    })
  }

  /** The partition goes to another owner; nothing more begins here. Call it when the tenure is over, and once more when nothing is in hand. */
  async giveBack(): Promise<void> {
    this.#machine.giveBack()
    // What cannot be written costs the next owner some time, no more.
    await this.#write().catch(() => undefined)
  }

  #write(): Promise<void> {
    this.#isDirty = true
    if (this.#writing !== undefined)
      this.#next ??= this.#writing.catch(() => undefined).then(() => this.#start())
    return this.#next ?? this.#start()
  }

  #start(): Promise<void> {
    this.#next = undefined
    const writing = this.#note().finally(() => {
      if (this.#writing === writing) this.#writing = undefined
    })
    this.#writing = writing
    return writing
  }

  async #note(): Promise<void> {
    const started = this.#machine.write()
    this.#isDirty = false
    try {
      if (!(await this.#say(started))) await this.#takeAgain(started)
    } catch (thrown) {
      this.#machine.notWritten()
      throw thrown
    }
    this.#machine.written(started, performance.now())
  }

  #say(started: StartedAttempts): Promise<boolean> {
    const { log, place } = this.#options
    return log.note(place, this.#tenure, started)
  }

  /**
   * Somebody has taken the partition meanwhile. Whose it is the group decides, and as long as it does not say that this tenure is over, it was
   * one who had not heard yet that his own is.
   */
  async #takeAgain(started: StartedAttempts): Promise<void> {
    const { log, place, owner, signal } = this.#options
    if (!signal.aborted) {
      this.#tenure = (await log.take(place, owner)).tenure
      if (await this.#say(started)) return
    }
    throw new BackstitchError('TRANSACTION_CONFLICT', `${place.topic}/${place.partition}: another has it`)
  }
}
