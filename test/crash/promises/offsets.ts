import { expect } from 'vitest'
import type { Stage } from '../world/stage.ts'

/** Checks that a group which has stopped in order has committed all of its topics: it would begin at their end. */
export async function expectOffsetsAtEnd(
  stage: Stage<string>,
  group: string,
  topics: readonly string[],
): Promise<void> {
  const admin = stage.tools.transport.admin()
  for (const topic of topics) {
    const committed = await admin.groupOffsets(stage.topicPrefix + group, topic)
    const ends = await admin.endOffsets(topic)
    expect(committed.map((offset) => offset ?? 0n)).toEqual(ends)
  }
  await admin.close()
}
