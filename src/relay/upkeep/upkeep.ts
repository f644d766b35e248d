import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import { planLeaf } from './leaf-plan.ts'
import type { UpkeepSession } from './upkeep-session.ts'

/** Checkpoints of a slot, as in the first migration: the two slots take turns by `(number / 4096) % 2`. */
const slotSize = 4_096n
/** A slot is emptied only when the other one has been in use for a while, so that no reader can find both empty. */
const afterNumbers = 64n
/** After a failure: somebody held a lock, or we lack the right. */
const againAfterMs = 30_000

/**
 * Keeps the tables of an outbox in order beside publishing: checkpoints are truncated in turn and leaves made ahead. Nothing waits for a
 * lock, and nothing fails when it does not work out.
 */
export class Upkeep {
  readonly #session: UpkeepSession
  readonly #keeper: CheckpointKeeper
  readonly #signals: TestSignals
  readonly #logger: Logger
  #emptiedTurn = 0n
  #leavesEnd: bigint | undefined
  #notBeforeMs = 0

  constructor(session: UpkeepSession, keeper: CheckpointKeeper, signals: TestSignals, logger: Logger) {
    this.#session = session
    this.#keeper = keeper
    this.#signals = signals
    this.#logger = logger
  }

  async begin(): Promise<void> {
    this.#leavesEnd = await this.#session.leavesEnd()
  }

  get isDue(): boolean {
    return (this.#slotIsDue || this.#leaf !== undefined) && performance.now() >= this.#notBeforeMs
  }

  async run(): Promise<void> {
    let done = true
    if (this.#slotIsDue) {
      const turn = this.#keeper.number / slotSize
      await this.#signals.reach('relay.truncate.before')
      if (await this.#session.truncateCheckpoints((turn + 1n) % 2n === 0n ? 0 : 1)) this.#emptiedTurn = turn
      else done = false
      await this.#signals.reach('relay.truncate.after')
    }
    const leaf = this.#leaf
    if (leaf) {
      await this.#signals.reach('relay.leaf.before')
      const isAdded = await this.#session.addLeaf(leaf.name, leaf.from, leaf.to)
      await this.#signals.reach('relay.leaf.after')
      if (isAdded) {
        this.#leavesEnd = leaf.to
        this.#logger.info({ leaf: leaf.name }, 'a leaf of the outbox was added')
      } else {
        done = false
        this.#leavesEnd = await this.#session.leavesEnd()
        this.#logger.warn(
          { leaf: leaf.name },
          'a leaf of the outbox could not be added: the table is locked, or the right to do it is missing',
        )
      }
    }
    if (!done) this.#notBeforeMs = performance.now() + againAfterMs
  }

  get #slotIsDue(): boolean {
    const { number } = this.#keeper
    return number / slotSize > this.#emptiedTurn && number % slotSize >= afterNumbers
  }

  get #leaf() {
    return planLeaf(this.#leavesEnd, this.#keeper.cursor.sequenceHigh)
  }
}
