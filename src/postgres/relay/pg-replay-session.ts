import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Replay, ReplayProgress, ReplaySession } from '../../relay/replay/replay-session.ts'
import type { OutboxTuple } from '../../relay/source/outbox-tuple.ts'
import type { Page } from '../../relay/source/source-session.ts'
import { readNextReplay, readReplayRows, saveReplay } from '../queries/replay/owner-replays.ts'
import { type PgRelayClient, sqlStateOf, type TextRow } from './pg-relay-client.ts'
import { pageOf } from './pg-relay-rows.ts'

/** {@link ReplaySession} over the connection of a shard. */
export class PgReplaySession implements ReplaySession {
  readonly #client: PgRelayClient
  readonly #shard: number
  readonly #pageRows: number
  readonly #texts: { readonly next: string; readonly rows: string; readonly save: string }

  constructor(
    client: PgRelayClient,
    schema: string,
    shard: number,
    page: { readonly rows: number; readonly bytes: number },
  ) {
    this.#client = client
    this.#shard = shard
    this.#pageRows = page.rows
    this.#texts = {
      next: readNextReplay(schema),
      rows: readReplayRows(schema, page),
      save: saveReplay(schema),
    }
  }

  async nextReplay(): Promise<Replay | undefined> {
    const [row] = await this.#run('next', [this.#shard])
    if (!row) return undefined
    const [id, position, to, topic, newIds] = row
    return {
      id: id ?? '',
      position: BigInt(position ?? ''),
      to: BigInt(to ?? ''),
      topic: topic ?? undefined,
      newIds: newIds === 't',
    }
  }

  async readReplay({ id, position }: Replay, upTo: bigint, done: string): Promise<Page<OutboxTuple>> {
    const values = [id, this.#shard, position, upTo, done]
    const rows = await this.#run('rows', values)
    return pageOf(rows, this.#pageRows)
  }

  async saveReplay(progress: ReplayProgress): Promise<boolean> {
    const { id, epoch, position, published, skipped, refused, state, failure } = progress
    const values = [this.#shard, id, epoch, position, published, skipped, refused, state, failure ?? null]
    return (await this.#run('save', values)).length > 0
  }
  async #run(name: 'next' | 'rows' | 'save', values: readonly unknown[]): Promise<readonly TextRow[]> {
    try {
      return await this.#client.run({ name: `${name} of replays`, text: this.#texts[name] }, values)
    } catch (error) {
      const state = sqlStateOf(error)
      if (state === undefined || (ofTheSession.test(state) && !slow.has(state))) throw error
      const code = slow.has(state) ? 'DATABASE_TOO_SLOW' : 'REPLAY_FAILED'
      throw new BackstitchError(code, reasonOf((error as Error).cause ?? error), { cause: error })
    }
  }
}

/** The time was over, or a lock was not to be had. */
const slow = new Set(['57014', '55P03', '40P01'])

/** Classes of SQLSTATE that are about the connection or the server. Others leave the session as it was, a lock table that is full too. */
const ofTheSession = /^(?:08|25|28|3D|57|58|F0|XX)/
