import type { PackedTuple } from '../../relay/source/packed-tuple.ts'
import type { Page, PageRead } from '../../relay/source/source-session.ts'
import type { Shard } from '../../relay/ownership/shard.ts'
import { copyWalkPage } from '../queries/pages/copy-walk-page.ts'
import { identifyServer } from '../queries/pages/identify-server.ts'
import { CopiedPage, RowBlocks } from './copied-page.ts'
import type { PgRelayClient, TextRow } from './pg-relay-client.ts'

/** A backlog is over, and the connection let go, when no page was asked for for so long. */
const idleMs = 5_000
/** Bodies are copied that have up to so many times the bytes that a row may have on average: a page is then never far too large. */
const timesAverage = 2
/** After a page that was too large so many are read in the other way, which keeps within its bytes. */
const pagesLarge = 64

/** What a reader needs. */
export type PageReaderOptions = {
  readonly schema: string
  readonly shard: Shard
  readonly page: { readonly rows: number; readonly bytes: number }
  /** The session that reads what this one finds too large, and decides which server counts. */
  readonly session: PgRelayClient
  readonly connect: () => Promise<PgRelayClient>
}

/**
 * Reads pages of a backlog by binary copies, over a connection of its own beside that of the session, whose statements then do not wait for
 * pages. Reading costs half of what it does by statements, the server and us, and leaves nothing for the garbage collector.
 *
 * It steps aside, and the session reads by itself, where rows are large, where there is no connection to be had, or where that leads to
 * another server than the session’s: what is read and what is saved must be of one server, since its restart.
 */
export class PgPageReader {
  readonly #options: PageReaderOptions
  readonly #blocks = new RowBlocks()
  readonly #bodyBytesMax: number
  #client: PgRelayClient | undefined
  #isClosed = false
  #isUnusable = false
  #pagesToSkip = 0
  #connecting: Promise<PgRelayClient | undefined> | undefined
  #copying = 0
  #idle: NodeJS.Timeout | undefined

  constructor(options: PageReaderOptions) {
    this.#options = options
    this.#bodyBytesMax = Math.ceil((options.page.bytes / options.page.rows) * timesAverage)
  }

  /** A page; `undefined` when the session has to read it. @throws `DATABASE_UNREACHABLE`, `DATABASE_FAILING`, `DATABASE_TOO_SLOW` */
  async read(read: Extract<PageRead, { kind: 'walk' }>): Promise<Page<PackedTuple> | undefined> {
    if (this.#pagesToSkip > 0) {
      this.#pagesToSkip--
      return undefined
    }
    const client = await this.#connected()
    if (client === undefined) return undefined
    const { schema, shard, page } = this.#options
    const copied = new CopiedPage(
      copyWalkPage(schema, { rows: page.rows, bodyBytesMax: this.#bodyBytesMax }, shard, read),
      this.#blocks,
    )
    clearTimeout(this.#idle)
    this.#copying += 1
    try {
      await client.copy(copied)
    } finally {
      // a copy of another walk may be under way
      this.#copying -= 1
      this.#rest()
    }
    if (copied.hasLarge || copied.bytes > page.bytes) this.#pagesToSkip = pagesLarge
    if (copied.hasLarge && copied.rows.length === 0) return undefined
    const { rows, hasLarge } = copied
    return { rows, full: hasLarge || rows.length === page.rows, release: () => copied.release() }
  }

  /** Lets go at once. Never throws. */
  close(): void {
    this.#isClosed = true
    this.#letGo()
  }

  /** Lets go of a connection that is not used for a while; never of one that is. */
  #rest(): void {
    clearTimeout(this.#idle)
    if (this.#copying > 0 || this.#client === undefined) return
    this.#idle = setTimeout(() => this.#letGo(), idleMs)
    this.#idle.unref()
  }

  #letGo(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
    this.#client?.close()
    this.#client = undefined
  }

  /** A read that was given up may still be connecting when the next one asks. */
  #connected(): Promise<PgRelayClient | undefined> {
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return this.#connecting
  }

  async #connect(): Promise<PgRelayClient | undefined> {
    if (this.#client !== undefined || this.#isUnusable) return this.#client
    const client = await this.#options.connect().catch(() => undefined)
    try {
      if (
        client !== undefined &&
        !this.#isClosed &&
        (await this.#isSameServer(client)) &&
        !this.#hasClosed()
      ) {
        this.#client = client
        this.#rest()
        return client
      }
    } catch {
      // the session finds out what it is
    }
    this.#isUnusable = true
    client?.close()
    return undefined
  }

  /** It may have happened while something was waited for. */
  #hasClosed(): boolean {
    return this.#isClosed
  }

  async #isSameServer(client: PgRelayClient): Promise<boolean> {
    const statement = { name: 'identify', text: identifyServer }
    const [[own], [other]] = await Promise.all([this.#options.session.run(statement), client.run(statement)])
    return own !== undefined && other !== undefined && isSame(own, other)
  }
}

function isSame(own: TextRow, other: TextRow): boolean {
  return own.every((value, index) => value === other[index])
}
