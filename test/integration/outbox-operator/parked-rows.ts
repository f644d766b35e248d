import { Pool } from 'pg'
import { migrate } from '../../../src/postgres/migrate.ts'
import type { OutboxOperator } from '../../../src/relay/operator/outbox-operator.ts'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import { createDatabase } from '../../support/services.ts'

/** A row of the quarantine that no relay knows of. */
export type ParkedRow = {
  readonly seq: number
  readonly key?: string
  readonly topic?: string
  readonly code?: string
  readonly payload?: string | null
  readonly payload_binary?: Buffer | null
  readonly headers?: object | null
  readonly content_type?: string | null
  readonly causation_id?: string | null
  readonly parkedAgoS?: number
}

/** A database with an outbox, and nobody who publishes it. */
export async function operatorWorld() {
  const { url } = await createDatabase({
    migrate: async (database) => void (await migrate({ database, parts: ['outbox'] })),
  })
  const pool = new Pool({ connectionString: url, max: 4 })
  pool.on('error', () => undefined)
  const operator: OutboxOperator = createOutboxOperator({ database: pool })
  return {
    url,
    pool,
    operator,
    park: async (...rows: readonly ParkedRow[]): Promise<void> => {
      for (const row of rows)
        await pool.query(
          `insert into backstitch.outbox_quarantine (seq, shard, topic, id, aggregatetype, aggregateid, type, version, payload, payload_binary,
             headers, content_type, causation_id, created_at, reason_code, reason, parked_at)
           values ($1, 0, $2, gen_random_uuid(), 'order', $3, 'order.placed', 1, $4, $5, $6, $7, $8, now(), $9, 'why', now() - $10 * interval '1 second')`,
          [
            row.seq,
            row.topic ?? 'outbox.event.order',
            row.key ?? 'k',
            row.payload === undefined && row.payload_binary === undefined ? '{}' : (row.payload ?? null),
            row.payload_binary ?? null,
            row.headers === undefined || row.headers === null ? null : JSON.stringify(row.headers),
            row.content_type ?? null,
            row.causation_id ?? null,
            row.code ?? 'OUTBOX_RECORD_REFUSED',
            row.parkedAgoS ?? 0,
          ],
        )
    },
    close: () => pool.end(),
  }
}

/** An {@link operatorWorld}. */
export type OperatorWorld = Awaited<ReturnType<typeof operatorWorld>>
