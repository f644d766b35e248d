import { expect, test } from 'vitest'
import { BrokerHealth } from '../../../../src/kafka/platformatic/client/broker-health.ts'

test('brokers that failed are turned to last, the latest at the very end, until they answer', () => {
  const [one, two, three] = [1, 2, 3].map((port) => ({ broker: { host: 'h', port } }))
  const health = new BrokerHealth()
  const ports = (): number[] => health.inOrder([one!, two!, three!]).map(({ broker }) => broker.port)
  expect(ports()).toEqual([1, 2, 3])
  health.failed(one!.broker)
  expect(ports()).toEqual([2, 3, 1])
  health.failed(two!.broker)
  expect(ports()).toEqual([3, 1, 2])
  health.failed(one!.broker)
  expect(ports()).toEqual([3, 2, 1])
  health.answered(one!.broker)
  expect(ports()).toEqual([1, 3, 2])
})
