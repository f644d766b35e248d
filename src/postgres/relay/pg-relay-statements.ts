import type { Shard } from '../../relay/ownership/shard.ts'
import type { NamedStatement } from './pg-relay-client.ts'
import { readIntents } from '../queries/quarantine/read-intents.ts'
import {
  countQuarantine,
  hasHeldRows,
  readHeldPartitions,
  readParkedKeys,
  readParkedTopics,
} from '../queries/quarantine/read-parked.ts'
import {
  readRowsOfKey,
  readRowsOfPartition,
  readRowsOfTopic,
} from '../queries/quarantine/read-quarantined-rows.ts'
import { readSettled } from '../queries/quarantine/read-settled.ts'
import { acquireLease } from '../queries/relay/acquire-lease.ts'
import { measureBacklog } from '../queries/relay/measure-backlog.ts'
import { flushWal, readFlushedTo } from '../queries/relay/flush-wal.ts'
import { readEarlyPage } from '../queries/pages/read-early-page.ts'
import { readLiveWindow } from '../queries/relay/read-live-window.ts'
import { readWalkPage } from '../queries/pages/read-walk-page.ts'
import { firstDeferred, releaseDeferred } from '../queries/relay/release-deferred.ts'
import {
  leapCheckpoint,
  saveCheckpoint,
  saveCheckpointAndQuarantine,
} from '../queries/relay/save-checkpoint.ts'
import { viewLease } from '../queries/relay/view-lease.ts'
import { pinTopic } from '../queries/topics/pin-topic.ts'
import { readTopicPins } from '../queries/topics/read-topic-pins.ts'

/** The statements of a session on one outbox, each under its name. */
export type RelayStatements = ReturnType<typeof relayStatements>

/** Builds them for one shard. `sequence` and `schema` are quoted. */
export function relayStatements(
  schema: string,
  sequence: string,
  page: { readonly rows: number; readonly bytes: number },
  shard: Shard,
) {
  const texts = {
    viewLease: viewLease(schema),
    acquireLease: acquireLease(schema),
    saveCheckpoint: saveCheckpoint(schema),
    leapCheckpoint: leapCheckpoint(schema),
    saveCheckpointAndQuarantine: saveCheckpointAndQuarantine(schema),
    readLive: readLiveWindow(schema, sequence, page, shard),
    readEarlyPage: readEarlyPage(schema, page, shard),
    readWalkPage: readWalkPage(schema, page, shard),
    measureBacklog: measureBacklog(schema, sequence, shard),
    readFlushedTo,
    flush: flushWal,
    readParkedKeys: readParkedKeys(schema),
    readParkedTopics: readParkedTopics(schema),
    hasHeldRows: hasHeldRows(schema),
    readHeldPartitions: readHeldPartitions(schema),
    countQuarantine: countQuarantine(schema),
    readIntents: readIntents(schema),
    readRowsOfKey: readRowsOfKey(schema, page),
    readRowsOfTopic: readRowsOfTopic(schema, page),
    readRowsOfPartition: readRowsOfPartition(schema, page),
    readSettled: readSettled(schema),
    readTopicPins: readTopicPins(schema),
    pinTopic: pinTopic(schema),
    releaseDeferred: releaseDeferred(schema, shard),
    firstDeferred: firstDeferred(schema, shard),
  }
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { name, text }])) as Record<
    keyof typeof texts,
    NamedStatement
  >
}
