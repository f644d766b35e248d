import { describe, expect, test } from 'vitest'
import { brokenReferences, unknownTerms } from './checks/documents.ts'
import { house } from './checks/house.ts'
import { codeBelow, filesBelow, jsonOf } from './source/files.ts'

const files = filesBelow()
const documents = files.filter(({ path }) => /^(docs\/)?[^/]+\.md$/.test(path))
const scripts = Object.keys(jsonOf('package.json')['scripts'] as object)
const textOf = (path: string): string => documents.find((document) => document.path === path)?.text ?? ''

test('the documents name only files, links and commands that exist', () => {
  expect(documents.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['ARCHITECTURE.md', 'CONTRIBUTING.md', 'GLOSSARY.md']),
  )
  expect(documents.flatMap((document) => brokenReferences(document, { files, scripts }))).toEqual([])
})

test('the glossary’s identifiers are those of the sources', () => {
  const glossary = { path: 'GLOSSARY.md', text: textOf('GLOSSARY.md') }
  expect(unknownTerms(glossary, codeBelow('src', 'migrations'))).toEqual([])
})

test('ARCHITECTURE.md has a line for each room of the house, on its floor', () => {
  const rows = [...textOf('ARCHITECTURE.md').matchAll(/^\| (\d) \| `src\/([^`]+)` \|/gm)].map(
    ([, floor, room]) => [room, Number(floor)],
  )
  expect(new Map(rows as [string, number][])).toEqual(
    new Map(Object.entries(house).map(([room, { floor }]) => [room, floor])),
  )
})

test('CONTRIBUTING.md has a line for each folder of tests that vitest knows', () => {
  const rows = [...textOf('CONTRIBUTING.md').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, folder]) => folder)
  const globs =
    files.find(({ path }) => path === 'vitest.config.ts')?.text.matchAll(/'test\/\{?([\w,-]+)\}?\/\*\*/g) ??
    []
  const folders = [...globs].flatMap(([, names = '']) => names.split(','))
  expect(folders).toContain('unit')
  expect(new Set(rows)).toEqual(new Set(folders))
})

describe('the checks', () => {
  const existing = [
    { path: 'src/relay/relay.ts', text: 'export type Relay = {}' },
    { path: 'docs/errors.md', text: '' },
  ]
  const broken = (text: string): string[] =>
    brokenReferences({ path: 'docs/x.md', text }, { files: existing, scripts: ['check'] })

  test.each([
    '`src/relay/gone.ts`',
    '`src/gone/`',
    '`src/gone/*.ts`',
    '[x](gone.md)',
    '[x](../gone.md#y)',
    '`npm run gone`',
  ])('refuse %s', (text) => {
    expect(broken(text)).toHaveLength(1)
  })

  test.each([
    '`src/relay/relay.ts` and `src/relay/` and `src`',
    '`src/<room>/*.ts`',
    '[x](errors.md) [y](../docs/errors.md#z) [z](https://example.org)',
    '`npm run check`',
    '`order.placed`',
  ])('allow %s', (text) => {
    expect(broken(text)).toEqual([])
  })

  test('refuse a term that the sources do not know', () => {
    const row = (here: string) => ({
      path: 'GLOSSARY.md',
      text: `| Term | Here |\n|---|---|\n| Relay | ${here} | x |`,
    })
    expect(unknownTerms(row('`Relay`, `relay.ts`'), existing)).toEqual([])
    expect(unknownTerms(row('`Relais`'), existing)).toHaveLength(1)
  })
})
