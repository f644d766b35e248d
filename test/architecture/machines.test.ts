import { describe, expect, test } from 'vitest'
import { machineViolations } from './checks/machines.ts'
import { codeBelow } from './source/files.ts'

test('the state machines are pure', () => {
  const files = codeBelow('src')
  expect(files.some(({ path }) => path.endsWith('-machine.ts'))).toBe(true)
  expect(machineViolations(files)).toEqual([])
})

describe('the check', () => {
  const machine = (text: string) => ({ path: 'src/saga/machine/saga-machine.ts', text })

  test.each([
    'export const now = () => Date.now()',
    'const at = new Date()',
    'const jitter = Math.random()',
    'export async function step() {}',
    'const x = () => setTimeout(f, 1)',
    'const x = process.hrtime()',
    'const id = crypto.randomUUID()',
    'function f(): Promise<void> {}',
    `const x = \`\${new Date()}\``,
    `import { randomUUID } from 'node:crypto'`,
    `import pg from 'pg'`,
    `import { x } from './missing.ts'`,
  ])('refuses %s', (text) => {
    expect(machineViolations([machine(text)])).toHaveLength(1)
  })

  test.each([
    '// Date.now() is the shell’s',
    'const text = "new Date() await process"',
    'const row = { process: 1, crypto: 2 }',
    'const at = input.Date + input.process',
    'const least = Math.min(1, 2)',
    `import type { Pool } from 'pg'`,
    `import type { z } from 'zod'`,
  ])('allows %s', (text) => {
    expect(machineViolations([machine(text)])).toEqual([])
  })

  test('finds what is loaded through another file, and not what is only a type', () => {
    const ids = { path: 'src/kernel/ids.ts', text: `import { randomFillSync } from 'node:crypto'` }
    expect(machineViolations([machine(`import { newId } from '../../kernel/ids.ts'`), ids])).toEqual([
      'src/saga/machine/saga-machine.ts: loads node:crypto through src/kernel/ids.ts',
    ])
    expect(machineViolations([machine(`import type { Id } from '../../kernel/ids.ts'`), ids])).toEqual([])
  })

  test('looks at no other files', () => {
    expect(machineViolations([{ path: 'src/kernel/clock.ts', text: 'Date.now()' }])).toEqual([])
  })
})
