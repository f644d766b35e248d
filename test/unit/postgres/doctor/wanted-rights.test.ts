import { expect, test } from 'vitest'
import { allMigrations } from '../../../../migrations/all-migrations.ts'
import { wantedRights } from '../../../../src/postgres/doctor/wanted-rights.ts'

/** Tables that the migrations of a part make, leaves left out. */
const tablesOf = allMigrations.flatMap((migration) =>
  migration.up('s').flatMap((statement) => {
    const name = /^create table s\.(\w+) \(/.exec(statement.trim())?.[1]
    return name === undefined ? [] : [[migration.part, name] as const]
  }),
)

test.each(tablesOf)('of the part %s the rights on %s are looked at', (part, table) => {
  const rights = wantedRights('s', [part]).filter(
    ({ kind, name }) => kind === 'table' && name === `s.${table}`,
  )
  expect(rights.map(({ right }) => right)).toContain('select')
})

test('there are tables', () => {
  expect(tablesOf.length).toBeGreaterThan(10)
})
