import { BackstitchError } from '../../kernel/errors.ts'
import type { Released } from '../../relay/deferred/deferred-session.ts'
import type { Checkpoint, LeaseView } from '../../relay/lease/checkpoint.ts'
import type { OutboxView } from '../../relay/ownership/steward-session.ts'
import type { IntendedKey, IntentPage, QuarantinedRow } from '../../relay/quarantine/quarantine-session.ts'
import type { LiveReading, Page } from '../../relay/source/source-session.ts'
import type { TextRow } from './pg-relay-client.ts'
import { checkpointColumns } from '../queries/relay/checkpoint-columns.ts'
import { outboxTupleWidth } from '../queries/relay/outbox-tuple-columns.ts'

const overBytes = outboxTupleWidth - 1

/** A place in the log, `16/B374D848`, as a number. */
export function lsnOf(text: string): bigint {
  const [high, low] = text.split('/')
  if (!high || !low) throw new BackstitchError('DATABASE_FAILING', `"${text}" is no place in the log`)
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** The row of `acquireLease`. */
export function checkpointOf(row: TextRow): Checkpoint {
  const [
    number,
    epoch,
    previous,
    current,
    position,
    walkFrom,
    lowWater,
    sequenceHigh,
    systemIdentifier,
    timeline,
  ] = row
  return {
    number: BigInt(number ?? ''),
    epoch: BigInt(epoch ?? ''),
    cursor: {
      previous: previous ?? '',
      current: current ?? null,
      position: BigInt(position ?? ''),
      walkFrom: BigInt(walkFrom ?? ''),
      lowWater: BigInt(lowWater ?? ''),
      sequenceHigh: BigInt(sequenceHigh ?? ''),
    },
    systemIdentifier: systemIdentifier ?? '',
    timeline: Number(timeline),
  }
}

/** The row of `viewLease`. */
export function leaseViewOf(row: TextRow): LeaseView {
  const [inRecovery, systemIdentifier, timeline, snapshot, owner, remainingMs] = row
  const checkpoint = row.slice(-checkpointColumns.length)
  return {
    owner: owner ?? undefined,
    remainingMs: remainingMs === null ? 0 : Number(remainingMs),
    inRecovery: inRecovery === 't',
    systemIdentifier: systemIdentifier ?? '',
    timeline: Number(timeline),
    snapshot: snapshot ?? '',
    checkpoint: checkpoint[0] === null ? undefined : checkpointOf(checkpoint),
  }
}

/** The rows of `viewOutbox`. */
export function outboxViewOf(rows: readonly TextRow[]): OutboxView {
  const [first] = rows
  if (!first) throw new BackstitchError('SCHEMA_MISSING', 'outbox_sharding is empty')
  const [inRecovery, systemIdentifier, timeline, snapshot, shardCount, settledCount, , relays] = first
  return {
    inRecovery: inRecovery === 't',
    systemIdentifier: systemIdentifier ?? '',
    timeline: Number(timeline),
    snapshot: snapshot ?? '',
    shardCount: Number(shardCount),
    settledCount: Number(settledCount),
    relays: Number(relays),
    shards: rows.map((row) => {
      const [shard, owner, remainingMs] = row.slice(9)
      const checkpoint = row.slice(-checkpointColumns.length)
      return {
        shard: Number(shard),
        owner: owner ?? undefined,
        remainingMs: typeof remainingMs === 'string' ? Number(remainingMs) : 0,
        checkpoint: checkpoint[0] === null ? undefined : checkpointOf(checkpoint),
      }
    }),
  }
}

/**
 * The rows of `readLiveWindow`: the head, the rows of the outbox, the tail.
 * @throws `DATABASE_FAILING` when another server process answered than at the beginning of the session: behind a pooler that may even be
 *   another server, which counts its transactions otherwise
 */
export function liveReadingOf(rows: readonly TextRow[], pageRows: number, backend: string): LiveReading {
  const head = rows[0]
  const tail = rows.at(-1)
  if (!head || !tail || rows.length < 2 || head[0] !== null || tail[0] !== null)
    throw new BackstitchError('DATABASE_FAILING', 'the head or the tail of a reading is not in its place')
  if (head[5] !== backend)
    throw new BackstitchError(
      'DATABASE_FAILING',
      'the connection leads to changing server processes: connect directly, or through a pooler in session mode',
    )
  const inRecovery = head[2] === 'true'
  return {
    inRecovery,
    snapshot: head[1] ?? '',
    insertedTo: inRecovery ? 0n : lsnOf(head[3] ?? ''),
    flushedTo: inRecovery ? 0n : lsnOf(tail[1] ?? ''),
    sequenceLast: BigInt(head[4] ?? ''),
    rows:
      head[6] === 'true' || rows.length - 2 > pageRows || rows.at(-2)?.[overBytes] === 't'
        ? undefined
        : rows.slice(1, -1),
  }
}

/** Rows of a page without those for which its bytes did not suffice. Only rows at the end can be such. */
export function pageOf(rows: readonly TextRow[], pageRows: number): Page<TextRow> {
  const cut = rows.at(-1)?.[overBytes] === 't'
  return {
    rows: cut ? rows.filter((row) => row[overBytes] !== 't') : rows,
    full: cut || rows.length === pageRows,
  }
}

/** A row of the quarantine: a row of the outbox, and the intent after it. */
export function quarantinedRowOf(row: TextRow): QuarantinedRow {
  const intent = row.at(-1)
  return { row, intent: intent === 'retry' || intent === 'skip' ? intent : undefined }
}

/** The rows of `readIntents`. */
export function intentPageOf(rows: readonly TextRow[]): IntentPage {
  const lasts = rows.map((row) => BigInt(row[7] ?? ''))
  return {
    keys: rows.map(intendedKeyOf),
    rows: rows.reduce((sum, row) => sum + Number(row[6]), 0),
    lastSeq: String(lasts.reduce((last, seq) => (seq > last ? seq : last), -1n)),
  }
}

function intendedKeyOf(row: TextRow): IntendedKey {
  const [topic, key, waitsForTopic, retry, skips, head, , , isBlocked] = row
  return {
    topic: topic ?? '',
    key: key ?? '',
    waitsForTopic: waitsForTopic === 't',
    retry: retry === 't',
    skips: skips ? skips.split(',') : [],
    head: head ?? '',
    isBlocked: isBlocked === 't',
  }
}

/** The row of `releaseDeferred`. */
export function releasedOf([count, more, next, untilNextMs]: TextRow): Released {
  return {
    count: Number(count),
    more: more === 't',
    next: next ?? '',
    untilNextMs: untilNextMs === null || untilNextMs === undefined ? undefined : Number(untilNextMs),
  }
}
