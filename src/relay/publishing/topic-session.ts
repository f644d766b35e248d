/** The number of partitions that a topic is written to with. `adopted`: the number that an operator wants instead. */
export type TopicPin = { readonly topic: string; readonly partitions: number; readonly adopted?: number }

/** The database’s side of topics. */
export type TopicSession = {
  readTopicPins(): Promise<readonly TopicPin[]>
  /** Pins the number of partitions of a topic, unless it is pinned. @returns the number that is pinned */
  pinTopic(topic: string, partitions: number): Promise<number>
}
