import { code } from '../../../../src/kafka/platformatic/client/error-codes.ts'

/** What is sent to the model: numbers, some of which it refuses. */
export type ModelBatch = { readonly sequence: number; readonly values: readonly number[] }

const outOfOrder = 45

/**
 * A partition as a broker keeps it: of each producer the last five batches are remembered, a batch that is among them is a duplicate, any
 * other must carry the next number. Of a producer that it does not know it takes any number.
 */
export class ModelPartition {
  readonly log: number[] = []
  readonly #remembered: ModelBatch[] = []
  readonly #isRefused: (value: number) => boolean
  readonly #batchMax: number
  #next: number | undefined

  constructor(options: { readonly isRefused: (value: number) => boolean; readonly batchMax: number }) {
    this.#isRefused = options.isRefused
    this.#batchMax = options.batchMax
  }

  /** @returns Kafka’s code */
  append(batch: ModelBatch): number {
    if (batch.values.length > this.#batchMax) return code.messageTooLarge
    if (batch.values.some(this.#isRefused)) return code.invalidRecord
    const { sequence, values } = batch
    const isKnown = this.#remembered.some(
      (it) => it.sequence === sequence && it.values.length === values.length,
    )
    if (isKnown) return code.none
    if (this.#next !== undefined && sequence !== this.#next) return outOfOrder
    this.log.push(...values)
    this.#next = sequence + values.length
    this.#remembered.push(batch)
    if (this.#remembered.length > 5) this.#remembered.shift()
    return code.none
  }
}
