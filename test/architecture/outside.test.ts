import { describe, expect, test } from 'vitest'
import { type Manifest, outsideFolders, outsideViolations } from './checks/outside.ts'
import { codeBelow, jsonOf } from './source/files.ts'

const { name, exports, dependencies, peerDependencies, devDependencies } = jsonOf('package.json')
const manifest: Manifest = {
  name: String(name),
  subpaths: Object.keys(exports as object),
  packages: [dependencies, peerDependencies, devDependencies].flatMap((it) => Object.keys(it as object)),
}

test('sagas, demo and bench import the package by its name; migrations and dev-services stand for themselves', () => {
  const files = codeBelow(...outsideFolders)
  expect(files.length).toBeGreaterThan(20)
  expect(outsideViolations(files, manifest)).toEqual([])
})

describe('the check', () => {
  const violations = (path: string, text: string): string[] => outsideViolations([{ path, text }], manifest)

  test.each<[string, string]>([
    ['sagas/place-order/saga.ts', `import { saga } from '../../src/index.ts'`],
    ['sagas/place-order/saga.ts', `import type { Saga } from '../../src/saga/saga.ts'`],
    ['sagas/place-order/saga.ts', `import { saga } from 'backstitch/saga'`],
    ['sagas/place-order/saga.ts', `import { saga } from 'backstitch/src/index.ts'`],
    ['sagas/place-order/saga.ts', `import { startServices } from '../../dev-services/index.ts'`],
    ['sagas/place-order/saga.ts', `import { Kafka } from 'kafkajs'`],
    ['demo/main.ts', `import { x } from '../src/relay/relay.ts'`],
    ['demo/main.ts', `import { x } from '../test/support/services.ts'`],
    ['demo/main.ts', `import chalk from 'chalk'`],
    ['bench/relay.ts', `const x = await import('../src/relay/relay.ts')`],
    ['migrations/0001-outbox.ts', `import { BackstitchError } from '../src/kernel/errors.ts'`],
    ['migrations/0001-outbox.ts', `import type { Part } from 'backstitch'`],
    ['migrations/0001-outbox.ts', `import knex from 'knex'`],
    ['migrations/0001-outbox.ts', `import { readFile } from 'node:fs/promises'`],
    ['dev-services/index.ts', `import { x } from '../src/kernel/clock.ts'`],
    ['dev-services/index.ts', `import { x } from 'backstitch'`],
    ['tools/index.ts', ''],
  ])('refuses in %s: %s', (path, text) => {
    expect(violations(path, text)).toHaveLength(1)
  })

  test.each<[string, string]>([
    [
      'sagas/place-order/saga.ts',
      `import { saga } from 'backstitch'\nimport { z } from 'zod'\nimport { x } from './messages.ts'`,
    ],
    [
      'demo/main.ts',
      `import { kafkajs } from 'backstitch/kafkajs'\nimport { placeOrder } from '../sagas/place-order/saga.ts'`,
    ],
    [
      'demo/main.ts',
      `import { startServices } from '../dev-services/index.ts'\nimport pg from 'pg'\nimport 'node:fs'`,
    ],
    ['migrations/knex.ts', `import type { Knex } from 'knex'\nimport { x } from './migration.ts'`],
  ])('allows in %s: %s', (path, text) => {
    expect(violations(path, text)).toEqual([])
  })
})
