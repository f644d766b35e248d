import { describe, expect, test } from 'vitest'
import { globalViolations, layoutViolations, undocumentedExports } from './checks/layout.ts'
import { codeBelow, codeFolders } from './source/files.ts'

describe('files and folders', () => {
  test('have at most 400 lines, at most 14 files, and names that say something', () => {
    expect(layoutViolations(codeBelow(...codeFolders))).toEqual([])
  })

  const file = (path: string, lines = 1) => ({ path, text: 'x\n'.repeat(lines) })

  test.each([
    [file('src/utils/sleep.ts')],
    [file('src/relay/helpers.ts')],
    [file('test/common/x.ts')],
    [file('src/lib/x.ts')],
    [file('demo/misc.ts')],
    [file('src/relay/relayLoop.ts')],
    [file('src/relay/relay_loop.ts')],
    [file('src/relay/relay.ts', 401)],
  ])('the check refuses $path', (bad) => {
    expect(layoutViolations([bad])).toHaveLength(1)
  })

  test('the check refuses a folder of 15 files', () => {
    const files = Array.from({ length: 15 }, (_, i) => file(`src/relay/file-${i}.ts`))
    expect(layoutViolations(files)).toEqual(['src/relay: 15 files'])
    expect(layoutViolations(files.slice(1))).toEqual([])
  })

  test('the check allows 400 lines and names that only contain such a word', () => {
    expect(layoutViolations([file('src/relay/relay.ts', 400), file('src/uncommon/library.test.ts')])).toEqual(
      [],
    )
  })
})

describe('every export of src and migrations', () => {
  test('has a docstring', () => {
    expect(undocumentedExports(codeBelow('src', 'migrations'))).toEqual([])
  })

  test('the check refuses one that has none', () => {
    expect(
      undocumentedExports([{ path: 'src/a.ts', text: '/** A. */\nexport const a = 1\nexport const b = 2' }]),
    ).toEqual(['src/a.ts:3: b has no docstring'])
  })
})

describe('src', () => {
  test('logs through its port and reads the environment in the configuration alone', () => {
    expect(globalViolations(codeBelow('src'))).toEqual([])
  })

  test.each<[string, string]>([
    ['src/relay/relay.ts', 'console.log(1)'],
    ['src/cli/main.ts', 'console.error(1)'],
    ['src/relay/relay.ts', `const url = process.env['DATABASE_URL']`],
    ['src/runtime/wiring.ts', 'const { A } = process?.env'],
    ['src/kernel/clock.ts', `process['env']`],
    ['src/kernel/clock.ts', `import { env } from 'node:process'`],
  ])('the check refuses in %s: %s', (path, text) => {
    expect(globalViolations([{ path, text }])).toHaveLength(1)
  })

  test.each<[string, string]>([
    ['src/runtime/config.ts', `const url = process.env['DATABASE_URL']`],
    ['src/runtime/config-file.ts', 'process.env'],
    ['src/cli/main.ts', 'process.env'],
    [
      'src/relay/relay.ts',
      `// process.env and console.log\nconst a = { console: 'console.log' }; process.pid; logger.console.x`,
    ],
  ])('the check allows in %s: %s', (path, text) => {
    expect(globalViolations([{ path, text }])).toEqual([])
  })
})
