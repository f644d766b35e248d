/** A topic to be created. */
export type TopicSpecification = {
  readonly topic: string
  readonly partitions: number
  /** Default: the broker’s own. */
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
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
  close(): Promise<void>
}
