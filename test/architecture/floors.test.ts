import { describe, expect, test } from 'vitest'
import { floorViolations } from './checks/house.ts'
import { codeBelow } from './source/files.ts'

test('in src/, imports point down: types too', () => {
  const files = codeBelow('src')
  expect(files.length).toBeGreaterThan(30)
  expect(floorViolations(files)).toEqual([])
})

describe('the check', () => {
  const violations = (path: string, text: string): string[] => floorViolations([{ path, text }])

  test.each<[string, string]>([
    ['src/kernel/clock.ts', `import type { Message } from '../message/message.ts'`],
    ['src/kernel/clock.ts', `import { z } from 'zod'`],
    ['src/message/event.ts', `import type { Outbox } from '../outbox/outbox.ts'`],
    ['src/message/event.ts', `import pg from 'pg'`],
    ['src/message/event.ts', `import { readFile } from 'node:fs/promises'`],
    ['src/message/event.ts', `import fs from 'fs'`],
    ['src/outbox/outbox.ts', `import { partitionOf } from '../transport/partition.ts'`],
    ['src/outbox/outbox.ts', `import { type Publisher } from '../transport/publisher.ts'`],
    ['src/outbox/outbox.ts', `import { z } from 'zod'`],
    ['src/inbox/inbox.ts', `import type { Saga } from '../saga/saga.ts'`],
    ['src/relay/relay.ts', `import type { Saga } from '../saga/definition/saga.ts'`],
    ['src/saga/orchestrator.ts', `export { lease } from '../relay/lease.ts'`],
    ['src/relay/relay.ts', `const pg = await import('../postgres/executor.ts')`],
    ['src/relay/relay.ts', `import { connect } from 'node:net'`],
    ['src/postgres/store.ts', `import { Kafka } from 'kafkajs'`],
    ['src/postgres/store.ts', `import type { Driver } from '../kafka/kafkajs/driver.ts'`],
    ['src/kafka/kafkajs/driver.ts', `import type pg from 'pg'`],
    [
      'src/kafka/kafkajs/driver.ts',
      `import { x } from '../other/driver.ts'\nimport '../../runtime/config.ts'`,
    ],
    ['src/postgres/store.ts', `import { config } from '../runtime/config.ts'`],
    ['src/relay/relay.ts', `import { all } from '../../migrations/all-migrations.ts'`],
    ['src/runtime/config.ts', `import { expect } from 'vitest'`],
    ['src/runtime/config.ts', `import { x } from '../../test/support/services.ts'`],
    ['src/runtime/config.ts', `import { x } from 'backstitch'`],
    ['src/utils/sleep.ts', ''],
    ['src/kafka/sleep.ts', ''],
  ])('refuses in %s: %s', (path, text) => {
    expect(violations(path, text)).toHaveLength(1)
  })

  test.each<[string, string]>([
    ['src/kernel/ids.ts', `import { createHash } from 'node:crypto'\nimport { x } from './errors.ts'`],
    ['src/message/event.ts', `import { z } from 'zod'\nimport { newId } from '../kernel/ids.ts'`],
    [
      'src/inbox/consumer.ts',
      `import type { Subscriber } from '../transport/subscriber.ts'\nimport type { z } from 'zod'`,
    ],
    ['src/relay/relay.ts', `import { partitionOf } from '../transport/partition.ts'`],
    ['src/postgres/queries/outbox/x.ts', `import { y } from '../../../outbox/y.ts'\nimport pg from 'pg'`],
    ['src/postgres/migrate.ts', `import { all } from '../../migrations/all-migrations.ts'`],
    [
      'src/kafka/kafkajs/driver.ts',
      `import { Kafka } from 'kafkajs'\nimport type { T } from '../../transport/transport.ts'`,
    ],
    [
      'src/index.ts',
      `export { relay } from './runtime/relay.ts'\nexport { event } from './message/event.ts'`,
    ],
    [
      'src/cli/main.ts',
      `import { Command } from 'commander'\nimport { x } from '../runtime/x.ts'\nimport fs from 'node:fs'`,
    ],
  ])('allows in %s: %s', (path, text) => {
    expect(violations(path, text)).toEqual([])
  })

  test('names the file, the line and the reason', () => {
    expect(violations('src/kernel/clock.ts', `\nimport type { Outbox } from '../outbox/outbox.ts'`)).toEqual([
      'src/kernel/clock.ts:2: kernel must not import ../outbox/outbox.ts: outbox is on floor 2, kernel on floor 0',
    ])
  })
})
