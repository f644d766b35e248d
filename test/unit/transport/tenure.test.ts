import { expect, test, vi } from 'vitest'
import { Tenure } from '../../../src/transport/group/tenure.ts'

test('a wait ends with its promise, kept or broken, and with the tenure, and leaves nothing behind on it', async () => {
  const tenure = new Tenure()
  const adding = vi.spyOn(tenure.signal, 'addEventListener')
  const removing = vi.spyOn(tenure.signal, 'removeEventListener')
  await tenure.waitFor(Promise.resolve())
  await tenure.waitFor(Promise.reject(new Error('trouble')))
  const waiting = tenure.waitFor(new Promise(() => undefined))
  tenure.windDown()
  await waiting
  await tenure.waitFor(new Promise(() => undefined))
  expect(adding).toHaveBeenCalledTimes(3)
  expect(removing).toHaveBeenCalledTimes(3)
  expect(tenure.isOver).toBe(false)
})
