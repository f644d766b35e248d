import type { TopicDescription } from '../../../transport/admin.ts'
import { type Judgement, ok, warn, wrong } from '../finding.ts'

/** A topic that something wants. */
export type WantedTopic = {
  readonly topic: string
  /** Partitions of the configuration; absent for topics that only the outbox names. */
  readonly partitions?: number
  /** Partitions that outboxes write to it with, where they have written to it. */
  readonly pinned?: number
  /** Commands, replies and starts of sagas: each record counts, whatever its key. */
  readonly carriesCommands: boolean
  /** Rows of the newest of the outboxes that are for it. */
  readonly rows: number
  /** Rows of the quarantines that wait for it. */
  readonly parked: number
  /** Of the groups that read it, the one whose inbox remembers it for the shortest time. */
  readonly remembered?: { readonly group: string; readonly ms: number }
}

/** What topics are measured against. */
export type TopicNeeds = {
  /** A record of a body and headers as large as `enqueue` lets pass. */
  readonly recordBytesMax: number
  /** How long the brokers remember where a group was. */
  readonly offsetsRetentionMs: number | undefined
  /** How much the databases’ and this machine’s clocks are apart at most. */
  readonly clockOffMs: number
  /** How long relays keep published rows for replays; 0 for not at all. */
  readonly keepPublishedMs: number
}

const minuteMs = 60_000
const dayMs = 86_400_000

/** One topic, against what is wanted of it. */
export function checkTopic(
  wanted: WantedTopic,
  found: TopicDescription | undefined,
  needs: TopicNeeds,
): readonly Judgement[] {
  if (!found) return [missing(wanted)]
  return [
    ...existing(wanted, found),
    ...(found.config === undefined
      ? [
          warn(
            'topic-settings',
            'not shown',
            'Settings that break a promise would not be noticed.',
            'Allow the user DESCRIBE_CONFIGS on the topic.',
          ),
        ]
      : settings(wanted, found, found.config, needs)),
  ]
}

function missing({ rows, parked, partitions }: WantedTopic): Judgement {
  const waiting =
    parked > 0 ? `; ${parked} parked rows wait for it` : rows > 0 ? '; the outbox has rows for it' : ''
  return wrong(
    'topic',
    `it does not exist, or this user may not see it${waiting}`,
    'Its rows wait in the quarantine, and its readers for it. Both go on by themselves once it is there.',
    partitions === undefined
      ? 'Create it, or name its contract in the configuration and run `backstitch topics apply`.'
      : 'Run `backstitch topics apply`, or allow the user DESCRIBE on it.',
  )
}

function* existing(
  { partitions, pinned, parked }: WantedTopic,
  found: TopicDescription,
): Generator<Judgement> {
  if (partitions !== undefined && found.partitions !== partitions)
    yield wrong(
      'partitions',
      `${found.partitions}, configured are ${partitions}`,
      'Keys would move if the topic were changed now that it may have records.',
      `Set topics.partitions to ${found.partitions}; change the topic only while it is empty.`,
    )
  else yield ok('partitions', String(found.partitions))
  if (pinned !== undefined && found.partitions !== pinned)
    yield wrong(
      'pinned-partitions',
      `${found.partitions}, the outbox writes with ${pinned}`,
      found.partitions < pinned
        ? 'The topic was made anew with fewer: rows for the others wait in the quarantine.'
        : 'New partitions stay empty: with another number a key’s records could be on two of them.',
      'Adopt the number once it is right: `backstitch topics adopt <topic> --reason ...`.',
    )
  if (found.leaderless.length > 0)
    yield wrong(
      'leaders',
      `nobody leads ${found.leaderless.length} of ${found.partitions} partitions`,
      'They can be neither written nor read; their keys wait.',
      'Bring the brokers back that hold them.',
    )
  if (found.writable === false)
    yield wrong(
      'write',
      'this user may not write',
      'Its rows wait in the quarantine.',
      'Allow the user WRITE on it.',
    )
  if (parked > 0)
    yield warn(
      'parked',
      `${parked} rows wait in the quarantine`,
      'A record was refused, or the topic could not be written to.',
      'See `backstitch outbox list`.',
    )
}

function* settings(
  { carriesCommands, remembered }: WantedTopic,
  { replicationFactor }: TopicDescription,
  config: ReadonlyMap<string, string>,
  needs: TopicNeeds,
): Generator<Judgement> {
  yield copies(replicationFactor, Number(config.get('min.insync.replicas') ?? 1))
  if (config.get('unclean.leader.election.enable') === 'true')
    yield wrong(
      'unclean-election',
      'unclean.leader.election.enable is on',
      'A replica that lacks acknowledged records can become the leader: they are gone.',
      'Set it to false on the topic.',
    )
  yield cleanup(config.get('cleanup.policy') ?? 'delete', carriesCommands)
  yield* retention(Number(config.get('retention.ms') ?? -1), needs)
  if (remembered)
    yield inboxRetention(remembered, Number(config.get('retention.ms') ?? -1), needs.keepPublishedMs)
  yield* sizes(config, needs.recordBytesMax)
  yield* timestamps(config, needs.clockOffMs)
}

function copies(replicationFactor: number, inSyncMin: number): Judgement {
  const found = `${replicationFactor} ${replicationFactor === 1 ? 'copy' : 'copies'}, min.insync.replicas ${inSyncMin}`
  if (inSyncMin > replicationFactor)
    return wrong(
      'copies',
      found,
      'No record can ever be acknowledged.',
      'Set min.insync.replicas to one less than the copies.',
    )
  if (replicationFactor === 1)
    return warn(
      'copies',
      found,
      'With the disk of one broker all records are gone.',
      'Three copies and min.insync.replicas=2, except for development.',
    )
  if (inSyncMin === 1)
    return wrong(
      'copies',
      found,
      'A record may be acknowledged while one broker alone has it, and be gone with that broker.',
      'Set min.insync.replicas=2 on the topic.',
    )
  if (inSyncMin === replicationFactor)
    return warn(
      'copies',
      found,
      'While one broker is down, nothing can be published.',
      'One more copy, or one less of min.insync.replicas (2 at least).',
    )
  return ok('copies', found)
}

function cleanup(policy: string, carriesCommands: boolean): Judgement {
  if (!policy.includes('compact')) return ok('cleanup', policy)
  const judge = carriesCommands ? wrong : warn
  return judge(
    'cleanup',
    policy,
    carriesCommands
      ? 'Compaction drops all commands, replies and starts of a key but the last: sagas hang.'
      : 'Compaction drops all events of a key but the last. That is right only for readers who want the state, not what happened.',
    'Set cleanup.policy=delete on the topic.',
  )
}

function* retention(
  retentionMs: number,
  { offsetsRetentionMs, keepPublishedMs }: TopicNeeds,
): Generator<Judgement> {
  const found = retentionMs < 0 ? 'for ever' : duration(retentionMs)
  if (retentionMs >= 0 && retentionMs < 10 * minuteMs)
    yield wrong(
      'retention',
      found,
      'Records are gone before a reader that restarts, or a relay that works off a backlog, has had them.',
      'Set retention.ms to days: longer than the longest absence of any reader.',
    )
  else if (retentionMs >= 0 && retentionMs < dayMs)
    yield warn(
      'retention',
      found,
      'A reader that is away for longer misses records, and a saga does not outlive such an outage.',
      'Set retention.ms to days: longer than the longest absence of any reader.',
    )
  else yield ok('retention', found)
  if (retentionMs >= 0 && retentionMs < keepPublishedMs)
    yield warn(
      'kept-rows',
      `records are kept for ${found}, published rows of the outbox for ${duration(keepPublishedMs)}`,
      'What is older than the records is in the outbox alone: a reader that comes late, or begins anew, misses it.',
      'Raise retention.ms of the topic to what relay.retention.keepPublishedMs says, or send such rows again: `backstitch outbox replay`.',
    )
  if (offsetsRetentionMs !== undefined && retentionMs > offsetsRetentionMs)
    yield warn(
      'offsets-retention',
      `groups are remembered for ${duration(offsetsRetentionMs)}, records kept for ${found}`,
      'A group that was away for longer begins at the earliest offset; only its inbox then tells what it had.',
      'Raise offsets.retention.minutes of the brokers to the retention of the topics.',
    )
}

/** What may come again must still be known. (attack E34) */
function inboxRetention(
  { group, ms }: NonNullable<WantedTopic['remembered']>,
  retentionMs: number,
  keepPublishedMs: number,
): Judgement {
  const found = `${group} remembers for ${duration(ms)}`
  const longer = [
    ...(retentionMs < 0 || retentionMs > ms
      ? [`records are kept ${retentionMs < 0 ? 'for ever' : `for ${duration(retentionMs)}`}`]
      : []),
    ...(keepPublishedMs > ms ? [`rows are kept for replays for ${duration(keepPublishedMs)}`] : []),
  ]
  if (longer.length === 0) return ok('inbox-retention', found)
  return warn(
    'inbox-retention',
    `${found}; ${longer.join(', ')}`,
    'What is older takes effect twice when it comes again: where the group loses its offsets, or by a replay.',
    'Raise inboxRetentionMs of the group, or lower retention.ms of the topic or relay.retention.keepPublishedMs.',
  )
}

function* sizes(config: ReadonlyMap<string, string>, recordBytesMax: number): Generator<Judgement> {
  const most = Number(config.get('max.message.bytes') ?? Number.MAX_SAFE_INTEGER)
  if (most < recordBytesMax)
    yield warn(
      'message-size',
      `max.message.bytes is ${most}`,
      `enqueue takes messages of up to ${recordBytesMax} bytes; larger ones than the topic takes park their key.`,
      'Raise max.message.bytes of the topic, or lower the limits of the outbox.',
    )
  else yield ok('message-size', `${most} bytes`)
}

function* timestamps(config: ReadonlyMap<string, string>, clockOffMs: number): Generator<Judgement> {
  // a record bears the time of its publishing, by the clock of the relay’s machine
  const needMs = minuteMs + clockOffMs
  const names = ['message.timestamp.before.max.ms', 'message.timestamp.after.max.ms'] as const
  const tight = names.filter((name) => Number(config.get(name) ?? Number.MAX_SAFE_INTEGER) < needMs)
  if (config.get('message.timestamp.type') !== 'LogAppendTime' && tight.length > 0)
    yield wrong(
      'timestamps',
      tight.map((name) => `${name} is ${config.get(name)}`).join(', '),
      'Records are refused as soon as the clocks of a relay and a broker are so far apart, or a publish takes so long.',
      'Raise it to an hour or more, or set message.timestamp.type=LogAppendTime.',
    )
}

function duration(ms: number): string {
  if (ms >= 2 * dayMs) return `${Math.round(ms / dayMs)} days`
  if (ms >= 2 * 60 * minuteMs) return `${Math.round(ms / (60 * minuteMs))} hours`
  return ms >= 2 * minuteMs ? `${Math.round(ms / minuteMs)} minutes` : `${Math.round(ms / 1_000)} s`
}
