import type pg from 'pg'
import { enrolledSubscriber } from '../../inbox/groups/enrolled-subscriber.ts'
import type { GroupEnrolment } from '../../inbox/groups/group-store.ts'
import { type InboxGeneration, inboxGeneration } from '../../inbox/groups/inbox-generation.ts'
import { inboxUpkeep } from '../../inbox/groups/inbox-upkeep.ts'
import { systemClock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import { addInboxLeaves } from '../../postgres/add-inbox-leaves.ts'
import { pgGroupStore } from '../../postgres/inbox/pg-group-store.ts'
import { pgDatabase } from '../../postgres/pg-database.ts'
import type { Subscriber } from '../../transport/subscriber.ts'
import type { KafkaTransport } from '../../transport/transport.ts'

/** What keeps the inbox of a group member. */
type KeptInbox = {
  /** Under which name the group’s rows stand; right from the first batch on. */
  readonly generation: InboxGeneration
  /** Lets a subscriber enrol its group before it hands anything over, and keeps the inbox while it runs. */
  readonly enrolled: (subscriber: Subscriber) => Subscriber
}

/** Makes a {@link KeptInbox}, on connections of the pool. */
export function keptInbox(options: {
  readonly database: pg.Pool
  readonly transport: KafkaTransport
  readonly schema: string
  readonly enrolment: GroupEnrolment
  readonly upkeepIntervalMs: number
  readonly logger: Logger
}): KeptInbox {
  const { transport, schema, enrolment, logger } = options
  const { group, topics } = enrolment
  const database = pgDatabase(options.database)
  const store = pgGroupStore(schema)
  const generation = inboxGeneration()
  const enrol = async (): Promise<void> => {
    generation.set(await database.transaction((tx) => store.enrol(tx, enrolment)))
  }
  return {
    generation,
    enrolled: (subscriber) => {
      const upkeep = inboxUpkeep({
        group,
        topics,
        database,
        store,
        admin: () => transport.admin(),
        addLeaves: () => addInboxLeaves(database, schema, logger),
        intervalMs: options.upkeepIntervalMs,
        logger,
        clock: systemClock,
      })
      return enrolledSubscriber(subscriber, { enrol, upkeep, logger })
    },
  }
}
