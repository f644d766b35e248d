/** A topic to be created. */
export type TopicSpecification = {
  readonly topic: string
  readonly partitions: number
  /** Default: the broker’s own. */
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

/** A topic as it is, for checks. */
export type TopicDescription = {
  readonly partitions: number
  /** Copies that each partition has; of partitions that differ, the fewest. */
  readonly replicationFactor: number
  /** Partitions that nobody leads just now: they can be neither written nor read. */
  readonly leaderless: readonly number[]
  /** All settings by name, those of the broker where the topic has none; `undefined` where this user may not see them. */
  readonly config: ReadonlyMap<string, string> | undefined
  /** Whether this user may write to the topic; absent where the driver cannot tell without writing. */
  readonly writable?: boolean
}

/** The brokers as they are, for checks. */
export type ClusterDescription = {
  readonly clusterId: string
  /** Those that are up. */
  readonly brokers: readonly { readonly id: number; readonly address: string }[]
  /** All settings of one of the brokers by name; `undefined` where this user may not see them. */
  readonly config: ReadonlyMap<string, string> | undefined
}

/** A consumer group as its coordinator sees it. */
export type GroupDescription = {
  /**
   * `absent`: the brokers know nothing of it. `empty`: it has committed offsets and no members. `rebalancing`: its partitions are being dealt
   * out. `stable`: its members have them.
   */
  readonly state: 'absent' | 'empty' | 'rebalancing' | 'stable'
  readonly members: readonly GroupMemberDescription[]
}

/** A member of a consumer group. */
type GroupMemberDescription = {
  readonly id: string
  /** The name under which its client introduces itself. */
  readonly clientId: string
  /** The address from which it speaks, as the broker sees it. */
  readonly host: string
}

/** The little of Kafka’s administration that backstitch needs. All calls throw `KAFKA_UNREACHABLE` when no broker answers, `KAFKA_ACCESS_DENIED` when it refuses. */
export type TransportAdmin = {
  /** The number of partitions by topic; topics that do not exist are absent. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Creates the topics that do not exist yet and resolves once they can be written to. @throws `TOPIC_REFUSED` when Kafka refuses one */
  createTopics(topics: readonly TopicSpecification[]): Promise<void>
  /** The offset of the first record that is kept by partition; empty where the topic does not exist. */
  beginOffsets(topic: string): Promise<readonly bigint[]>
  /** The offset after the last record by partition; empty where the topic does not exist. */
  endOffsets(topic: string): Promise<readonly bigint[]>
  /**
   * By partition the offset of the first record published at a time or later, the end where there is none; empty where the topic does not
   * exist. Records come in the order of their offsets, not quite of their times: earlier ones may follow.
   * @param timestampMs milliseconds since 1970
   */
  offsetsAt(topic: string, timestampMs: number): Promise<readonly bigint[]>
  /** What a group has committed by partition; `undefined` where it has committed nothing; empty where the topic does not exist. */
  groupOffsets(group: string, topic: string): Promise<readonly (bigint | undefined)[]>
  /**
   * Lets a group go on elsewhere, as if it had committed these offsets. The brokers take it only while the group has no members: those would
   * go on where they are, and commit over it.
   * @param offsets by partition; others stay as they are
   * @throws `GROUP_IN_USE` while the group has members, `CONFIG_INVALID` where a partition does not exist or an offset is negative
   */
  setGroupOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>
  /** The names of all consumer groups that the brokers know, in order. */
  groups(): Promise<readonly string[]>
  describeGroup(group: string): Promise<GroupDescription>
  /** The topics in which a group has committed something, in order. */
  groupTopics(group: string): Promise<readonly string[]>
  /** Topics with their settings; those that do not exist, or may not be seen, are absent. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  describeCluster(): Promise<ClusterDescription>
  close(): Promise<void>
}
