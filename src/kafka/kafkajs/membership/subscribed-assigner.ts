import { type Assigner, AssignerProtocol, type PartitionAssigner } from 'kafkajs'
import { dealOut } from '../../../transport/group/deal-out.ts'
import type { JoinListener } from '../client/held-joins.ts'

/** Settings of {@link subscribedAssigner}. */
export type RejoinListener = {
  /** Called just before this member asks to join (again). kafkajs has no event for it, and its commits belong to the next generation from here on. */
  onJoining(): void
  /** Called before that, where kafkajs can be held: the member joins once this has resolved. It must not reject. */
  readonly beforeJoining: NonNullable<JoinListener['beforeJoining']>
}

/**
 * Deals partitions out in turn, as kafkajs’s own assigner (whose name it bears, so that both may meet in a group), but to those members
 * only that subscribe to the topic: while a new version is rolled out, members differ in their topics, and kafkajs’s own gives partitions
 * to members that drop them.
 */
export function subscribedAssigner(listener: RejoinListener): PartitionAssigner {
  return ({ cluster }): Assigner & JoinListener => ({
    beforeJoining: listener.beforeJoining,
    name: 'RoundRobinAssigner',
    version: 0,
    protocol: ({ topics }) => {
      listener.onJoining()
      return {
        name: 'RoundRobinAssigner',
        metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }),
      }
    },
    assign: async ({ members, topics }) => {
      const subscriptions = members.map(({ memberId, memberMetadata }) => ({
        memberId,
        topics: new Set(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics),
      }))
      const all = new Set([...topics, ...subscriptions.flatMap((it) => [...it.topics])])
      const foreign = [...all].filter((topic) => !topics.includes(topic))
      // topics of others only: this client has no metadata of them yet; one that was deleted meanwhile has no partitions to deal out
      if (foreign.length > 0) await cluster.addMultipleTargetTopics(foreign).catch(() => undefined)
      const partitionsOf = new Map(
        [...all].map((topic) => [
          topic,
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
        ]),
      )
      return dealOut(subscriptions, partitionsOf).map(({ memberId, assignment }) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment,
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })
}
