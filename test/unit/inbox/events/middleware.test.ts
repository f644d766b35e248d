import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import {
  type HandlerCall,
  type Middleware,
  withinMiddleware,
} from '../../../../src/inbox/events/middleware.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'

const call: HandlerCall = {
  group: 'g',
  handler: 'order.placed v1',
  messages: [],
  tx: { query: () => Promise.reject(new Error('not asked')) },
  attempt: 1,
  signal: new AbortController().signal,
  logger: silentLogger,
}

test('the first of the list is outermost, and the handler innermost', async () => {
  const steps: string[] = []
  const noting =
    (name: string): Middleware =>
    async (_, next) => {
      steps.push(`${name} begins`)
      await next()
      steps.push(`${name} ends`)
    }
  await withinMiddleware([noting('outer'), noting('inner')], call, () => void steps.push('handler'))
  expect(steps).toEqual(['outer begins', 'inner begins', 'handler', 'inner ends', 'outer ends'])
})

test('errors pass through each, and may be looked at on their way', async () => {
  const cause = new Error('no')
  const seen: unknown[] = []
  const looking: Middleware = async (_, next) => {
    try {
      await next()
    } catch (thrown) {
      seen.push(thrown)
      throw thrown
    }
  }
  const failing = withinMiddleware([looking, (_, next) => next()], call, () => Promise.reject(cause))
  await expect(failing).rejects.toBe(cause)
  expect(seen).toEqual([cause])
})

test('a scope of the middleware holds for the handler, across its waits', async () => {
  const tenant = new AsyncLocalStorage<string>()
  const scoped: Middleware = (_, next) => tenant.run('acme', next)
  const seen: unknown[] = []
  await withinMiddleware([scoped], call, async () => {
    await Promise.resolve()
    seen.push(tenant.getStore())
  })
  expect(seen).toEqual(['acme'])
})

test('a logger is handed inwards', async () => {
  const logger = { ...silentLogger }
  const seen: unknown[] = []
  const inner: Middleware = async (current, next) => {
    seen.push(current.logger)
    await next()
  }
  await withinMiddleware([(_, next) => next({ logger }), inner], call, (current) => void seen.push(current))
  expect(seen).toEqual([logger, logger])
})

test('one that does not call next keeps the message from its handler', async () => {
  let handled = 0
  await withinMiddleware([() => undefined], call, () => void handled++)
  expect(handled).toBe(0)
})

test('one that does not wait for next fails once the handler has ended', async () => {
  let ended = false
  const slow = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    ended = true
  }
  const careless: Middleware = (_, next) => void next()
  await expect(withinMiddleware([careless], call, slow)).rejects.toMatchObject({
    code: 'HANDLER_FAILED',
    message: expect.stringContaining('does not wait for next()'),
  })
  expect(ended).toBe(true)
})

test.each<[string, Middleware]>([
  ['does not wait', (_, next) => void next()],
  ['catches', async (_, next) => next().catch(() => undefined)],
])('the failure of a handler is not lost in one that %s', async (_, careless) => {
  const cause = new Error('half done')
  const thrower = (): never => {
    throw cause
  }
  for (const handler of [thrower, () => Promise.reject(cause)])
    await expect(withinMiddleware([careless], call, handler)).rejects.toBe(cause)
})

test('an error may be replaced', async () => {
  const better = new Error('better said')
  const wording: Middleware = async (_, next) => {
    await next().catch(() => Promise.reject(better))
  }
  await expect(withinMiddleware([wording], call, () => Promise.reject(new Error('no')))).rejects.toBe(better)
})

test('next is called once', async () => {
  let handled = 0
  const twice: Middleware = async (_, next) => {
    await next()
    await next()
  }
  await expect(withinMiddleware([twice], call, () => void handled++)).rejects.toMatchObject({
    code: 'HANDLER_FAILED',
    message: expect.stringContaining('a second time'),
  })
  expect(handled).toBe(1)
})
