import { expect } from 'vitest'
import type { Stage } from '../world/stage.ts'

/**
 * Checks that a group which has stopped in order passed nothing over: each message on its topics has its row in the inbox, and the group
 * would begin at the end of its topics. (A lost message could else be made good by a timer, or stay unnoticed.)
 */
export async function expectAllRead<Name extends string>(
  stage: Stage<Name>,
  database: Name,
  group: string,
  topics: readonly string[],
): Promise<void> {
  const { rows } = await stage
    .pool(database)
    .query<{ place: string }>(
      `select source || ' ' || id as place from backstitch.inbox where consumer_group = $1`,
      [group],
    )
  const onTopics = stage.witness.records.filter(({ topic }) => topics.includes(topic))
  const places = new Set(onTopics.map(({ topic, id }) => `${topic} ${id}`))
  expect(rows.map(({ place }) => place).toSorted(), `what ${group} has in its inbox`).toEqual(
    [...places].toSorted(),
  )

  const admin = stage.tools.transport.admin()
  for (const topic of topics) {
    const committed = await admin.groupOffsets(stage.topicPrefix + group, topic)
    expect(committed.map((offset) => offset ?? 0n)).toEqual(await admin.endOffsets(topic))
  }
  await admin.close()
}
