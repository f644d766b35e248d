import { logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { logTo } from '../../../../src/kafka/kafkajs/client/log-creator.ts'
import { type Logger, silentLogger } from '../../../../src/kernel/logger.ts'

test('kafkajs’s lines reach the logger: a consumer’s complaints as warnings, the rest for debugging, none once muted', () => {
  const lines: unknown[] = []
  const logger: Logger = {
    ...silentLogger,
    debug: (fields, message) => void lines.push(['debug', message, (fields as { kafkajs: string }).kafkajs]),
    warn: (fields, message) => void lines.push(['warn', message, fields]),
  }
  let isMuted = false
  const write = logTo(logger, () => isMuted)
  const entry = (namespace: string, level: number, message: string) => ({
    namespace,
    level,
    label: '',
    log: { message, timestamp: '2026', logger: 'kafkajs', groupId: 'g', stack: 'long' },
  })
  write(entry('Consumer', logLevel.ERROR, 'Crash'))
  write(entry('Runner', logLevel.WARN, 'rebalancing'))
  write(entry('ConsumerGroup', logLevel.INFO, 'joined'))
  write(entry('Connection', logLevel.ERROR, 'Connection error'))
  write(entry('Producer', logLevel.WARN, 'Limiting retries'))
  isMuted = true
  write(entry('Consumer', logLevel.ERROR, 'after its end'))
  expect(lines).toEqual([
    ['warn', 'Crash', { kafkajs: 'Consumer', groupId: 'g' }],
    ['warn', 'rebalancing', { kafkajs: 'Runner', groupId: 'g' }],
    ['debug', 'joined', 'ConsumerGroup'],
    ['debug', 'Connection error', 'Connection'],
    ['debug', 'Limiting retries', 'Producer'],
  ])
})
