import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { UpkeepSession } from './upkeep-session.ts'

/** Checkpoints of a slot, as in the first migration: the two slots take turns by `(number / 4096) % 2`. */
const slotSize = 4_096n
/** A slot is emptied only when the other one has been in use for a while, so that no reader can find both empty. */
const afterNumbers = 64n
/** After a failure: a shard that saves seldom had its newest one there, somebody held a lock, or we lack the right. */
const againPolicy: BackoffPolicy = { initialMs: 2_000, maxMs: 30_000, factor: 2 }

/** Empties the checkpoints that are not in use, in turn. Nothing waits for a lock, and nothing fails when it does not work out. */
export class Upkeep {
  readonly #session: UpkeepSession
  readonly #keeper: CheckpointKeeper
  readonly #signals: TestSignals
  #emptiedTurn = 0n
  #failures = 0
  #notBeforeMs = 0

  constructor(session: UpkeepSession, keeper: CheckpointKeeper, signals: TestSignals) {
    this.#session = session
    this.#keeper = keeper
    this.#signals = signals
  }

  get isDue(): boolean {
    const { number } = this.#keeper
    return (
      number / slotSize > this.#emptiedTurn &&
      number % slotSize >= afterNumbers &&
      performance.now() >= this.#notBeforeMs
    )
  }

  async run(): Promise<void> {
    const turn = this.#keeper.number / slotSize
    await this.#signals.reach('relay.truncate.before')
    if (await this.#session.truncateCheckpoints((turn + 1n) % 2n === 0n ? 0 : 1)) {
      this.#emptiedTurn = turn
      this.#failures = 0
    } else {
      this.#failures++
      this.#notBeforeMs = performance.now() + backoffMs(this.#failures, againPolicy, Math.random())
    }
    await this.#signals.reach('relay.truncate.after')
  }
}
