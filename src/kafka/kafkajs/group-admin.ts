import { BackstitchError } from '../../kernel/errors.ts'
import type { GroupDescription } from '../../transport/admin.ts'
import { settlesWithin } from '../../transport/settles-within.ts'
import type { AdminConnection } from './client/admin-connection.ts'
import type { Client } from './client/client.ts'
import { groupCommit } from './client/group-commit.ts'
import { isMembershipLost, kafkaError } from './errors.ts'

/** Setting offsets, with a connection of its own, may take this long. */
const setWithinMs = 15_000

const states: Readonly<Record<string, GroupDescription['state']>> = {
  Dead: 'absent',
  Empty: 'empty',
  PreparingRebalance: 'rebalancing',
  CompletingRebalance: 'rebalancing',
  Stable: 'stable',
}

/** What an admin does for consumer groups, over kafkajs. */
export class GroupAdmin {
  readonly #newClient: () => Client
  readonly #connection: AdminConnection

  constructor(newClient: () => Client, connection: AdminConnection) {
    this.#newClient = newClient
    this.#connection = connection
  }

  async names(): Promise<readonly string[]> {
    const { groups } = await this.#named('the consumer groups', (place) =>
      this.#connection.use(place, (admin) => admin.listGroups()),
    )
    // without a protocol: offsets were set, and no member has joined yet
    const own = groups.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
    return own.map(({ groupId }) => groupId).toSorted()
  }

  async describe(group: string): Promise<GroupDescription> {
    const { groups } = await this.#named(`group ${group}`, (place) =>
      this.#connection.use(place, (admin) => admin.describeGroups([group])),
    )
    const found = groups.find(({ groupId }) => groupId === group)
    return {
      state: states[found?.state ?? 'Dead'] ?? 'rebalancing',
      members: (found?.members ?? []).map(({ memberId, clientId, clientHost }) => ({
        id: memberId,
        clientId,
        host: clientHost,
      })),
    }
  }

  async topics(group: string): Promise<readonly string[]> {
    const answer = await this.#named(`topics of group ${group}`, (place) =>
      this.#connection.use(place, (admin) => admin.fetchOffsets({ groupId: group })),
    )
    return answer.map(({ topic }) => topic).toSorted()
  }

  /** @throws `GROUP_IN_USE` */
  setOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }))
    return this.#named(`offsets of group ${group} in ${topic}`, async (place) => {
      const client = this.#newClient()
      try {
        const commit = groupCommit(client.kafka)
        if (commit === undefined)
          throw new BackstitchError('CONFIG_INVALID', `${place}: only kafkajs 2.2.4 can set them`)
        const setting = commit(group, { topic, partitions })
        if (await settlesWithin(setting, setWithinMs)) return await setting
        throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: no answer within ${setWithinMs} ms`)
      } catch (thrown) {
        if (!isMembershipLost(thrown)) throw thrown
        throw new BackstitchError('GROUP_IN_USE', place, { cause: thrown, details: { group } })
      } finally {
        client.cutOff()
      }
    })
  }

  async #named<Answer>(place: string, ask: (place: string) => Promise<Answer>): Promise<Answer> {
    try {
      return await ask(place)
    } catch (thrown) {
      throw kafkaError(thrown, place)
    }
  }
}
