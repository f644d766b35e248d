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

/** The little of Kafka’s administration that backstitch needs. All calls throw `KAFKA_UNREACHABLE` when no broker answers, `KAFKA_ACCESS_DENIED` when it refuses. */
export type TransportAdmin = {
  /** The number of partitions by topic; topics that do not exist are absent. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Creates the topics that do not exist yet and resolves once they can be written to. @throws `TOPIC_REFUSED` when Kafka refuses one */
  createTopics(topics: readonly TopicSpecification[]): Promise<void>
  /** The offset after the last record by partition; empty where the topic does not exist. */
  endOffsets(topic: string): Promise<readonly bigint[]>
  /** What a group has committed by partition; `undefined` where it has committed nothing; empty where the topic does not exist. */
  groupOffsets(group: string, topic: string): Promise<readonly (bigint | undefined)[]>
  /** Topics with their settings; those that do not exist, or may not be seen, are absent. */
  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>>
  describeCluster(): Promise<ClusterDescription>
  close(): Promise<void>
}
