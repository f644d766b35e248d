import { expect, test } from 'vitest'
import pino from 'pino'
import { type Logger, silentLogger } from '../../../src/kernel/logger.ts'
import { noTestSignals } from '../../../src/kernel/test-signals.ts'

test('a pino logger fits the port as it is', () => {
  const lines: unknown[] = []
  const logger: Logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  logger.child({ component: 'relay' }).info({ rows: 3 }, 'published')
  expect(lines).toMatchObject([{ component: 'relay', rows: 3, msg: 'published', level: 30 }])
})

test('the silent logger says nothing, nor do its children', () => {
  expect(silentLogger.child({ component: 'relay' })).toBe(silentLogger)
  for (const level of ['debug', 'info', 'warn', 'error'] as const)
    expect(silentLogger[level]({}, 'x')).toBeUndefined()
})

test('nobody listens to the test signals of production', () => {
  expect(noTestSignals.reach('relay.publish.before')).toBeUndefined()
})
