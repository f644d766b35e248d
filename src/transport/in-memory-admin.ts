import { BackstitchError } from '../kernel/errors.ts'
import type { GroupDescription, TopicDescription, TransportAdmin } from './admin.ts'
import { assertOffsets } from './group/assert-offsets.ts'
import type { InMemoryGroup } from './in-memory-group.ts'
import type { InMemoryLog } from './in-memory-log.ts'

/** The admin port over topics and groups in memory. */
export function inMemoryAdmin(
  log: InMemoryLog,
  groups: ReadonlyMap<string, InMemoryGroup>,
  groupOf: (name: string) => InMemoryGroup,
): TransportAdmin {
  const isKnown = (group: InMemoryGroup | undefined): group is InMemoryGroup =>
    group !== undefined && group.members.length + group.committedPlaces.length > 0
  return {
    partitionCounts: async (topics) => {
      const counts = new Map<string, number>()
      for (const topic of topics) {
        const count = log.partitionCount(topic)
        if (count !== undefined) counts.set(topic, count)
      }
      return counts
    },
    createTopics: async (topics) => {
      for (const topic of topics) log.create(topic)
    },
    beginOffsets: async (topic) => log.endOffsets(topic).map(() => 0n),
    endOffsets: async (topic) => log.endOffsets(topic),
    offsetsAt: async (topic, timestampMs) =>
      log.endOffsets(topic).map((end, partition) => log.offsetAt(topic, partition, timestampMs) ?? end),
    groupOffsets: async (group, topic) =>
      log.endOffsets(topic).map((_, partition) => groups.get(group)?.committed(`${topic}/${partition}`)),
    setGroupOffsets: async (group, topic, offsets) => {
      assertOffsets(topic, log.partitionCount(topic), offsets)
      const members = groupOf(group).members.length
      if (members > 0) throw new BackstitchError('GROUP_IN_USE', `group ${group}: ${members} members`)
      for (const [partition, offset] of offsets) groupOf(group).setOffset(`${topic}/${partition}`, offset)
    },
    groups: async () => [...groups].flatMap(([name, group]) => (isKnown(group) ? [name] : [])).toSorted(),
    describeGroup: async (name): Promise<GroupDescription> => {
      const group = groups.get(name)
      if (!isKnown(group)) return { state: 'absent', members: [] }
      const members = group.members.map((id) => ({ id, clientId: 'in-memory', host: 'in-memory' }))
      if (members.length === 0) return { state: 'empty', members }
      return { state: group.isRebalancing ? 'rebalancing' : 'stable', members }
    },
    groupTopics: async (name) => {
      const places = groups.get(name)?.committedPlaces ?? []
      return [...new Set(places.map((place) => place.slice(0, place.lastIndexOf('/'))))].toSorted()
    },
    describeTopics: async (topics) => {
      const found = new Map<string, TopicDescription>()
      for (const topic of topics) {
        const partitions = log.partitionCount(topic)
        if (partitions === undefined) continue
        found.set(topic, {
          partitions,
          replicationFactor: 1,
          leaderless: [],
          config: log.config(topic),
          writable: true,
        })
      }
      return found
    },
    describeCluster: async () => ({
      clusterId: 'in-memory',
      brokers: [{ id: 0, address: 'in-memory' }],
      config: new Map(),
    }),
    close: async () => undefined,
  }
}
