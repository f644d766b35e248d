import { describe, expect, test } from 'vitest'
import { cyclesOf } from './checks/cycles.ts'
import { codeBelow, codeFolders } from './source/files.ts'

test('no files import one another in a circle, types included', () => {
  expect(cyclesOf(codeBelow(...codeFolders))).toEqual([])
})

describe('the check', () => {
  const files = (imports: Record<string, string[]>) =>
    Object.entries(imports).map(([path, targets]) => ({
      path: `src/${path}.ts`,
      text: targets.map((target) => `import type { X } from './${target}.ts'`).join('\n'),
    }))

  test('finds a circle of any length, and each once', () => {
    expect(cyclesOf(files({ a: ['b'], b: ['c'], c: ['a', 'd'], d: ['e'], e: ['d'], f: ['a'] }))).toEqual([
      ['src/d.ts', 'src/e.ts'],
      ['src/a.ts', 'src/b.ts', 'src/c.ts'],
    ])
  })

  test('finds a file that imports itself', () => {
    expect(cyclesOf(files({ a: ['a'] }))).toEqual([['src/a.ts']])
  })

  test('finds none where two ways lead to one file', () => {
    expect(cyclesOf(files({ a: ['b', 'c'], b: ['d'], c: ['d', 'missing'], d: [] }))).toEqual([])
  })

  test('sees through folders', () => {
    expect(
      cyclesOf([
        { path: 'src/relay/a.ts', text: `export { b } from '../kernel/b.ts'` },
        { path: 'src/kernel/b.ts', text: `const a = () => import('../relay/a.ts')` },
      ]),
    ).toEqual([['src/kernel/b.ts', 'src/relay/a.ts']])
  })
})
