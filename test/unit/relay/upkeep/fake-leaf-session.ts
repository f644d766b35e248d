import type { LeafLayout, LeafSession } from '../../../../src/relay/upkeep/leaf-session.ts'

const noLeaves: LeafLayout = {
  inRecovery: false,
  last: 0n,
  leaves: [
    { name: 'outbox_0', from: 0n, to: 10_000_000n, bytes: 0, isPublished: undefined, isAged: undefined },
  ],
  rest: { name: 'outbox_default', bytes: 0, isPublished: undefined, isAged: undefined },
  gap: undefined,
  isWalking: false,
  kept: 0,
}

/** {@link LeafSession} that notes what it is called for. A test may change how the outbox is laid out, and what an answer is. */
export class FakeLeafSession implements LeafSession {
  readonly calls: string[] = []
  isClosed = false
  layout: LeafLayout = noLeaves
  /** Tables of kept rows that are old enough: two are dropped at a time. */
  readonly aged: string[] = []
  /** What a call comes to; `false` for a lock that somebody holds. What it throws, the session throws. */
  answer: (call: string) => boolean = () => true

  async look(): Promise<LeafLayout> {
    this.answer('look')
    return this.layout
  }

  add = async (from: bigint, to: bigint): Promise<boolean> => this.#call(`add ${from} ${to}`)
  openGap = async (from: bigint, to: bigint): Promise<boolean> => this.#call(`openGap ${from} ${to}`)
  validateGap = async (): Promise<boolean> => this.#call('validateGap')
  closeGap = async (): Promise<boolean> => this.#call('closeGap')
  skipToLeaf = async (): Promise<boolean> => this.#call('skipToLeaf')
  empty = async (name: string): Promise<boolean> => this.#call(`empty ${name}`)
  remove = async (): Promise<readonly string[] | undefined> => (this.#call('remove') ? [] : undefined)
  forgetSettled = async (): Promise<number> => 0
  dropKept = async (): Promise<readonly string[] | undefined> =>
    this.#call('dropKept') ? this.aged.splice(0, 2) : undefined

  close(): void {
    this.isClosed = true
  }

  #call(call: string): boolean {
    this.calls.push(call)
    return this.answer(call)
  }
}
