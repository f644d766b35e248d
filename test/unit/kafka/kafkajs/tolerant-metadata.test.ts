import { expect, test } from 'vitest'
import { tolerantMetadata } from '../../../../src/kafka/kafkajs/client/tolerant-metadata.ts'

const answer = (partitionErrorCode: number) => ({
  topicMetadata: [
    {
      topicErrorCode: 0,
      topic: 't',
      partitionMetadata: [{ partitionErrorCode, partitionId: 0, leader: -1 }],
    },
  ],
})

test('kafkajs reads metadata with a partition that has no leader, which it does not by itself', async () => {
  const { createRequire } = await import('node:module')
  const response = createRequire(import.meta.url)('kafkajs/src/protocol/requests/metadata/v6/response') as {
    parse: (data: unknown) => Promise<unknown>
  }
  const { parse } = response
  await expect(parse(answer(5))).rejects.toMatchObject({ type: 'LEADER_NOT_AVAILABLE' })
  expect(tolerantMetadata()).toBe(true)
  expect(await response.parse(answer(5))).toMatchObject({
    topicMetadata: [{ partitionMetadata: [{ leader: -1 }] }],
  })
  await expect(response.parse(answer(9))).rejects.toMatchObject({ type: 'REPLICA_NOT_AVAILABLE' })
  expect(tolerantMetadata()).toBe(true)
})

test('leaves another version of kafkajs alone', () => {
  const parse = () => Promise.resolve({ topicMetadata: [] })
  const response = { parse }
  expect(tolerantMetadata(response)).toBe(false)
  expect(response.parse).toBe(parse)
})
