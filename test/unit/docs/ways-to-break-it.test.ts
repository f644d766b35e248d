import { expect, test } from 'vitest'
import { codeBelow } from '../../architecture/source/files.ts'
import { waysToBreakIt } from './ways-to-break-it.ts'

const introduction = `# Ways to break it

Each way in which we have broken an outbox relay or a consumer, on paper or on real servers, with the rule that closes it and the tests that fail without the
rule. The letters: A loses committed rows; B stalls, or breaks others’ work; C is about order, ghosts and stale duplicates; E is about consumers. (D, about
sagas, is not listed.) A test names its rule in its title.

| Rule | The attack | The answer | Tests |
|---|---|---|---|
`

/** The rules that a test file names: `(rule B12)`, `(rules A2, C20)`, `(E35)`. */
function rulesIn(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/(?:\brules? |\((?=E))((?:[ABCE]\d+(?:, | and )?)+)/g)].flatMap(([, rules = '']) =>
      rules.match(/[ABCE]\d+/g),
    ),
  ) as Set<string>
}

const files = codeBelow('test')
  .filter(({ path }) => path.endsWith('.test.ts') && !path.endsWith('ways-to-break-it.test.ts'))
  .map(({ path, text }) => ({ path, rules: rulesIn(text) }))

test('docs/ways-to-break-it.md lists the rules and their tests (written by: npx vitest run --project unit test/unit/docs --update)', async () => {
  const rows = waysToBreakIt.map(({ rule, attack, answer }) => {
    const tests = files.filter(({ rules }) => rules.has(rule)).map(({ path }) => `\`${path}\``)
    return `| ${rule} | ${attack} | ${answer} | ${tests.join(' ') || '—'} |\n`
  })
  await expect(introduction + rows.join('')).toMatchFileSnapshot('../../../docs/ways-to-break-it.md')
})

test('the rules are numbered without a gap, and tests name no others', () => {
  const ofSagas = [26, 27, 28, 29, 30, 31, 32, 33]
  const numbers = waysToBreakIt.map(({ rule }) => Number(rule.slice(1)))
  expect([...numbers, ...ofSagas].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: numbers.length + ofSagas.length }, (_, n) => n + 1),
  )
  const known = new Set(waysToBreakIt.map(({ rule }) => rule))
  expect(
    files.flatMap(({ path, rules }) =>
      [...rules].filter((it) => !known.has(it)).map((it) => `${path} ${it}`),
    ),
  ).toEqual([])
})
