import { onTestFinished } from 'vitest'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { relayOver } from '../../../src/relay/relay.ts'
import type { OutboxRelayOptions } from '../../../src/relay/relay-options.ts'
import { FakeDatabase } from './fake-database.ts'
import { ScriptedTransport } from './scripted-transport.ts'

/** A relay between a database and a Kafka that the test plays. It is stopped when the test ends. */
export function setUp(options: Partial<OutboxRelayOptions> = {}) {
  const database = new FakeDatabase()
  const transport = new ScriptedTransport()
  const lines: { level: string; line: string; code?: unknown }[] = []
  const say = (level: string) => (fields: object, line: string) =>
    void lines.push({ level, line, ...('code' in fields && { code: fields.code }) })
  const logger = {
    ...silentLogger,
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: () => logger,
  }
  const relay = relayOver({
    databases: [database],
    transport,
    logger,
    leaseDurationMs: 300,
    pace: { idleMs: 2 },
    stopDeadlineMs: 300,
    ...options,
  })
  onTestFinished(() => relay.stop())
  return { database, transport, relay, lines }
}
