import type { Replay, ReplayProgress, ReplaySession } from '../../relay/replay/replay-session.ts'
import type { OutboxTuple } from '../../relay/source/outbox-tuple.ts'
import type { Page } from '../../relay/source/source-session.ts'
import { readNextReplay, readReplayRows, saveReplay } from '../queries/replay/owner-replays.ts'
import type { PgRelayClient } from './pg-relay-client.ts'
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
    const [row] = await this.#client.run({ name: 'next replay', text: this.#texts.next }, [this.#shard])
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
    const rows = await this.#client.run({ name: 'replay rows', text: this.#texts.rows }, values)
    return pageOf(rows, this.#pageRows)
  }

  async saveReplay(progress: ReplayProgress): Promise<boolean> {
    const { id, epoch, position, published, skipped, refused, state, failure } = progress
    const values = [this.#shard, id, epoch, position, published, skipped, refused, state, failure ?? null]
    return (await this.#client.run({ name: 'save replay', text: this.#texts.save }, values)).length > 0
  }
}
