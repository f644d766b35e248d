import { expect, test } from 'vitest'
import { BatchLanes } from '../../../src/transport/group/batch-lanes.ts'

test('lanes share their slots, first come first served, also after one fails', async () => {
  const lanes = new BatchLanes(1)
  const { promise, reject } = Promise.withResolvers<string>()
  const order: string[] = []
  const one = lanes.run('one', () => promise).catch(() => order.push('one failed'))
  const two = lanes.run('two', async () => order.push('two'))
  const three = lanes.run('three', async () => order.push('three'))
  expect(['one', 'two', 'three', 'four'].map((lane) => lanes.busy(lane) !== undefined)).toEqual([
    true,
    true,
    true,
    false,
  ])
  reject(new Error('trouble'))
  await Promise.all([one, two, three])
  expect(order.indexOf('two')).toBeLessThan(order.indexOf('three'))
  expect(order).toContain('one failed')
  await lanes.idle()
  expect(lanes.busy('one')).toBeUndefined()
})
