import { BackstitchError } from '../../kernel/errors.ts'
import type { Leaf, LeafLayout, LeafSession } from '../../relay/upkeep/leaf-session.ts'
import { keepLeaves } from '../queries/upkeep/keep-leaves.ts'
import { readLeaves, readOutboxState } from '../queries/upkeep/read-leaf-layout.ts'
import { type PgRelayClient, type TextRow, sqlStateOf } from './pg-relay-client.ts'

/**
 * Somebody holds the lock, or another relay was faster: the leaf, or the gap, is there already or not any more; or a row came into the range
 * of a new leaf meanwhile.
 */
const busy = new Set(['55P03', '40P01', '42P07', '42P17', '42710', '42704', '23514'])
/** The default partition may be very large. */
const validateMsMax = 12 * 3_600_000

/** {@link LeafSession} over a connection of its own. */
export class PgLeafSession implements LeafSession {
  readonly #client: PgRelayClient
  readonly #keepPublishedMs: number
  readonly #state: string
  readonly #leaves: string
  readonly #calls: ReturnType<typeof keepLeaves>

  constructor(client: PgRelayClient, schema: string, keepPublishedMs: number) {
    this.#client = client
    this.#keepPublishedMs = keepPublishedMs
    this.#state = readOutboxState(schema)
    this.#leaves = readLeaves(schema)
    this.#calls = keepLeaves(schema)
  }

  async look(): Promise<LeafLayout> {
    const [[state], rows] = await Promise.all([
      this.#client.run({ name: 'state', text: this.#state }),
      this.#client.run({ name: 'leaves', text: this.#leaves }, [this.#keepPublishedMs]),
    ])
    if (!state) throw new BackstitchError('DATABASE_FAILING', 'the state of the outbox could not be read')
    const [inRecovery, last, isWalking, gap, isGapValid, kept] = state
    const range = /seq < '?(\d+)'?.*seq >= '?(\d+)/.exec(gap ?? '')
    const all = rows.map(leafOf)
    return {
      inRecovery: inRecovery === 't',
      last: BigInt(last ?? ''),
      leaves: all.flatMap(({ from, to, ...leaf }) =>
        from === undefined || to === undefined ? [] : [{ ...leaf, from, to }],
      ),
      rest: all.find(({ to }) => to === undefined),
      gap: range
        ? { from: BigInt(range[1] ?? ''), to: BigInt(range[2] ?? ''), isValid: isGapValid === 't' }
        : undefined,
      isWalking: isWalking === 't',
      kept: Number(kept),
    }
  }

  async add(from: bigint, to: bigint): Promise<boolean> {
    return (await this.#call('add', [from, to])) !== undefined
  }

  async openGap(from: bigint, to: bigint): Promise<boolean> {
    return (await this.#call('openGap', [from, to])) !== undefined
  }

  async validateGap(): Promise<boolean> {
    await this.#client.run({ name: 'at leisure', text: `set statement_timeout = '${validateMsMax}ms'` })
    return (await this.#call('validateGap', [], validateMsMax)) !== undefined
  }

  async closeGap(): Promise<boolean> {
    return (await this.#call('closeGap')) !== undefined
  }

  async skipToLeaf(): Promise<boolean> {
    return (await this.#call('skipToLeaf')) !== undefined
  }

  async empty(name: string): Promise<boolean> {
    const rows = await this.#call('empty', [name, this.#keepPublishedMs])
    return rows?.[0]?.[0] === 't'
  }

  async remove(): Promise<readonly string[] | undefined> {
    return (await this.#call('remove', [this.#keepPublishedMs]))?.map(([name]) => name ?? '')
  }

  async dropKept(): Promise<readonly string[] | undefined> {
    return (await this.#call('dropKept', [this.#keepPublishedMs]))?.map(([name]) => name ?? '')
  }

  async forgetSettled(): Promise<number> {
    return Number((await this.#call('forgetSettled'))?.[0]?.[0] ?? 0)
  }

  close(): void {
    this.#client.close()
  }

  async #call(
    name: keyof ReturnType<typeof keepLeaves>,
    values: readonly unknown[] = [],
    deadlineMs?: number,
  ): Promise<readonly TextRow[] | undefined> {
    try {
      return await this.#client.run({ name, text: this.#calls[name] }, values, deadlineMs)
    } catch (error) {
      if (busy.has(sqlStateOf(error) ?? '')) return undefined
      throw error
    }
  }
}

function leafOf([name, from, to, bytes, isPublished, isAged]: TextRow) {
  return {
    name: name ?? '',
    from: from ? BigInt(from) : undefined,
    to: to ? BigInt(to) : undefined,
    bytes: Number(bytes),
    isPublished: flagOf(isPublished),
    isAged: flagOf(isAged),
  } satisfies Omit<Leaf, 'from' | 'to'> & { from: bigint | undefined; to: bigint | undefined }
}

function flagOf(text: string | null | undefined): boolean | undefined {
  return text === null || text === undefined ? undefined : text === 't'
}
