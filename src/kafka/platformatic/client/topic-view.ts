import type { metadataV12 } from '@platformatic/kafka'
import { code } from './error-codes.ts'

/** A broker’s description of the cluster. */
export type MetadataAnswer = ReturnType<typeof metadataV12.parseResponse>

/** A topic as a broker described it. */
export type TopicView = {
  /** `0`, or why there is no description. */
  readonly errorCode: number
  /** A topic that was deleted and made again has another one. */
  readonly id: string
  /** The broker that leads each partition, by partition; `-1` where there is none just now. */
  readonly leaders: readonly number[]
}

/** What a broker’s answer says of a topic. */
export function topicViewOf(answer: MetadataAnswer, topic: string): TopicView {
  const found = answer.topics.find(({ name }) => name === topic)
  if (found === undefined) return { errorCode: code.unknownTopicOrPartition, id: '', leaders: [] }
  const leaders: number[] = []
  for (const { partitionIndex, leaderId } of found.partitions) leaders[partitionIndex] = leaderId
  const { errorCode, topicId: id } = found
  return { errorCode, id, leaders: Array.from(leaders, (leader) => leader ?? -1) }
}

/** Whether the topic is not there, or not for us. */
export function isMissing({ errorCode }: TopicView): boolean {
  return (
    errorCode === code.unknownTopicOrPartition ||
    errorCode === code.invalidTopic ||
    errorCode === code.topicAuthorizationFailed
  )
}
