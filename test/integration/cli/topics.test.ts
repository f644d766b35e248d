import { expect, test } from 'vitest'
import { kafkaBrokers, uniqueTopicPrefix } from '../../support/services.ts'
import { backstitch } from './backstitch-process.ts'

test('plan finds what is missing, apply creates it, and then nothing is left to do', async () => {
  const prefix = uniqueTopicPrefix()
  const environment = { KAFKA_BROKERS: kafkaBrokers().join(','), TOPIC_PREFIX: prefix }
  const topics = ['orchestrator.reply', 'orchestrator.saga', 'order', 'stock.command'].map(
    (name) => prefix + name,
  )

  const plan = await backstitch(['topics', 'plan', '-o', 'json'], environment)
  expect({ code: plan.code, err: plan.err }).toEqual({ code: 3, err: '' })
  expect(JSON.parse(plan.out)).toEqual(
    topics.map((topic) => ({ topic, partitions: 2, replicationFactor: 1, state: 'create' })),
  )

  const apply = await backstitch(['topics', 'apply'], environment)
  expect({ code: apply.code, err: apply.err }).toEqual({ code: 0, err: '' })
  for (const topic of topics) expect(apply.out).toMatch(new RegExp(`^${topic} +created +2 +1 +-$`, 'm'))

  const again = await backstitch(['topics', 'plan'], environment)
  expect(again.code).toBe(0)
  for (const topic of topics) expect(again.out).toMatch(new RegExp(`^${topic} +ok +2 `, 'm'))
})

test('plan waits for a broker that is not there, says so, and gives up in time', async () => {
  const environment = { KAFKA_BROKERS: '127.0.0.1:1' }
  const { code, out, err } = await backstitch(['topics', 'plan', '--wait', '4s'], environment)
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^waiting for Kafka at 127\.0\.0\.1:1: .+\n/)
  expect(err).toMatch(/^KAFKA_UNREACHABLE: /m)
})

test('plan without brokers says which option is missing', async () => {
  const { code, err } = await backstitch(['topics', 'plan'])
  expect(code).toBe(2)
  expect(err).toMatch(/^CONFIG_INVALID: .*kafka\.brokers: set it, or KAFKA_BROKERS, or --brokers/)
})
