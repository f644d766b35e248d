import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkDatabase } from '../../../src/runtime/doctor/database/check-database.ts'
import { filesBelow } from '../../architecture/source/files.ts'
import { facts } from '../runtime/doctor/facts.ts'

const page = readFileSync(new URL('../../../docs/operating/doctor.md', import.meta.url), 'utf8')

/** The names of all checks: the first argument wherever something is judged. */
const checks = new Set([
  ...filesBelow('src/runtime/doctor').flatMap(({ text }) =>
    [...text.matchAll(/\b(?:ok|warn|wrong|judge)\(\s*'([\w-]+)'/g)].map(([, name]) => name ?? ''),
  ),
  ...checkDatabase(facts({})).map(({ check }) => check),
])

test('docs/operating/doctor.md explains each check, and no other', () => {
  const explained = [...page.matchAll(/^\| ((?:`[\w-]+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w-]+)`/g)].map(([, name]) => name ?? ''),
  )
  expect(checks.size).toBeGreaterThan(25)
  expect([...checks].filter((check) => !explained.includes(check))).toEqual([])
  expect(explained.filter((check) => !checks.has(check))).toEqual([])
})
