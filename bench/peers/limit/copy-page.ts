import type { Connection, Submittable } from 'pg'

const signatureBytes = 19

/** A `COPY ... TO STDOUT (FORMAT binary)` as the client’s query; its chunks are copied, since the client uses their buffer again. */
export class CopyPage implements Submittable {
  readonly chunks: Promise<readonly Buffer[]>
  readonly #text: string
  readonly #collected: Buffer[] = []
  readonly #done: (chunks: readonly Buffer[]) => void
  readonly #failed: (error: Error) => void

  constructor(text: string) {
    this.#text = text
    const { promise, resolve, reject } = Promise.withResolvers<readonly Buffer[]>()
    this.chunks = promise
    this.#done = resolve
    this.#failed = reject
  }

  submit(connection: Connection): void {
    connection.on('copyData', this.#collect)
    connection.query(this.#text)
    this.#release = () => connection.removeListener('copyData', this.#collect)
  }

  handleReadyForQuery(): void {
    this.#release()
    this.#done(this.#collected)
  }

  handleError(error: Error): void {
    this.#release()
    this.#failed(error)
  }

  // what the client calls and a copy has no use for
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCommandComplete(): void {}
  handleCopyInResponse(): void {}
  handleCopyOutResponse(): void {}
  handleCopyData(): void {}

  #release: () => void = () => undefined
  readonly #collect = ({ chunk }: { chunk: Buffer }): void => void this.#collected.push(Buffer.from(chunk))
}

/** The fields of each row, without copying them. Every chunk is one row; the first has the format’s signature before it, the last is its end. */
export function rowsOfCopy(chunks: readonly Buffer[]): Buffer[][] {
  const rows: Buffer[][] = []
  for (const [n, chunk] of chunks.entries()) {
    let at = n === 0 ? signatureBytes : 0
    if (chunk.length - at <= 2) continue
    const count = chunk.readInt16BE(at)
    at += 2
    const fields: Buffer[] = []
    for (let field = 0; field < count; field++) {
      const length = chunk.readInt32BE(at)
      at += 4
      fields.push(chunk.subarray(at, at + length))
      at += length
    }
    rows.push(fields)
  }
  return rows
}
