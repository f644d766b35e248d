import type { Connection, Submittable } from 'pg'
import { PackedTuple, lengthAt } from '../../relay/source/packed-tuple.ts'

/** Rows are copied into blocks of so many bytes, one after the other; larger rows have one of their own. */
const blockBytes = 1 << 18
/** Blocks that wait for their next use. */
const blocksMax = 64
/** What stands before the first row of a binary copy. */
const signatureBytes = 19
const fieldCountBytes = 2

/**
 * Blocks that are used again and again. (Left to the garbage collector, memory outside of its heap makes it go through all of that every 64 MB:
 * a fifth of what a message cost.)
 */
export class RowBlocks {
  readonly #free: Buffer[] = []

  /** At least so large. */
  take(bytes: number): Buffer {
    if (bytes > blockBytes) return Buffer.allocUnsafeSlow(bytes)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
  }

  giveBack(blocks: readonly Buffer[]): void {
    for (const block of blocks)
      if (block.length === blockBytes && this.#free.length < blocksMax) this.#free.push(block)
  }
}

/** A binary copy of `copiedTuplesOf` as a query of `pg`. Its rows are there once it is {@link done}. */
export class CopiedPage implements Submittable {
  /** Up to the first one that is too large. */
  readonly rows: PackedTuple[] = []
  readonly done: Promise<void>
  /** Of `pg`: called at the end, it takes its deadline away. */
  callback: ((error?: Error) => void) | undefined
  readonly #text: string
  readonly #blocks: RowBlocks
  readonly #used: Buffer[] = []
  #block: Buffer = Buffer.allocUnsafeSlow(0)
  #blockEnd = 0
  readonly #ended = Promise.withResolvers<void>()
  #isFirst = true
  #bytes = 0
  #hasLarge = false

  constructor(text: string, blocks: RowBlocks) {
    this.#text = text
    this.#blocks = blocks
    this.done = this.#ended.promise
  }

  /** Whether a row has a body that is too large for this way of reading: it and those behind it are not among the rows. */
  get hasLarge(): boolean {
    return this.#hasLarge
  }

  /** Bytes of the rows. */
  get bytes(): number {
    return this.#bytes
  }

  submit(connection: Connection): void {
    connection.query(this.#text)
  }

  /** The server sends each row by itself. Its bytes are of a buffer that `pg` uses again. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    let from = this.#isFirst ? signatureBytes : 0
    this.#isFirst = false
    from += fieldCountBytes
    if (chunk.length <= from || this.#hasLarge) return
    if (lengthAt(chunk, from) >= 0) {
      this.#hasLarge = true
      return
    }
    this.rows.push(this.#keep(chunk, from + 4))
    this.#bytes += chunk.length
  }

  /** The rows are not used any more: their bytes will be written over. */
  release(): void {
    this.#blocks.giveBack(this.#used.splice(0))
  }

  #keep(bytes: Buffer, from: number): PackedTuple {
    const length = bytes.length - from
    if (this.#blockEnd + length > this.#block.length) {
      this.#block = this.#blocks.take(length)
      this.#used.push(this.#block)
      this.#blockEnd = 0
    }
    const start = this.#blockEnd
    this.#blockEnd += bytes.copy(this.#block, start, from)
    return new PackedTuple(this.#block, start, this.#blockEnd)
  }

  handleReadyForQuery(): void {
    this.callback?.()
    this.#ended.resolve()
  }

  handleError(error: Error): void {
    this.callback?.(error)
    this.#ended.reject(error)
  }

  // what the client calls and a copy has no use for
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCommandComplete(): void {}
  handleCopyInResponse(): void {}
  handleCopyOutResponse(): void {}
}
