import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allParts, migrationsFor, type Part, sqlFor } from '../../../migrations/index.ts'
import { isBackstitchError } from '../../../src/kernel/errors.ts'

const thrownBy = (work: () => unknown): unknown => {
  try {
    work()
    return undefined
  } catch (thrown) {
    return thrown
  }
}

describe('the list', () => {
  test('names every numbered file of the folder, in order', () => {
    const files = readdirSync(new URL('../../../migrations/', import.meta.url))
      .filter((file) => /^\d{4}-/.test(file))
      .map((file) => file.replace('.ts', ''))
      .toSorted()
    expect(migrationsFor(allParts).map(({ name }) => name)).toEqual(files)
  })

  test('gives the parts that are asked for, and with the outbox the audit trail', () => {
    expect(migrationsFor(['participant']).map(({ part }) => part)).toEqual(['participant'])
    expect(migrationsFor(['timer', 'saga']).map(({ name }) => name)).toEqual(['0004-saga', '0005-timer'])
    expect(migrationsFor(['outbox']).map(({ part }) => part)).toEqual(['outbox', 'audit'])
    expect(migrationsFor(['audit', 'outbox']).map(({ part }) => part)).toEqual(['outbox', 'audit'])
  })

  test.each([[['ledger']], [[]]])('refuses parts %j', (parts) => {
    const thrown = thrownBy(() => migrationsFor(parts as Part[]))
    expect(isBackstitchError(thrown, 'CONFIG_INVALID')).toBe(true)
    expect((thrown as Error).message).toContain('outbox, inbox, participant, saga, timer, audit')
  })
})

describe('printed as SQL', () => {
  test('they are one transaction under the lock, in order, each recorded', () => {
    const sql = sqlFor({ parts: ['outbox', 'inbox'], schema: 'messaging' })
    const marks = [
      'begin;',
      'pg_advisory_xact_lock',
      'create schema "messaging"',
      'create table if not exists "messaging".backstitch_migration',
      '-- 0001-outbox',
      'create table "messaging".outbox (',
      `values ('0001-outbox', 'outbox');`,
      '-- 0002-inbox',
      'create table "messaging".inbox (',
      `values ('0002-inbox', 'inbox');`,
      'commit;',
    ]
    const places = marks.map((mark) => sql.indexOf(mark))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(sql).not.toContain('saga_instance')
  })

  test('down is the other way round', () => {
    const sql = sqlFor({ parts: ['outbox', 'inbox'], schema: 'messaging', direction: 'down' })
    expect(sql.indexOf('-- 0002-inbox')).toBeLessThan(sql.indexOf('-- 0001-outbox'))
    expect(sql).toContain(`delete from "messaging".backstitch_migration where name = '0001-outbox'`)
    // what was done stays known when the tables go
    expect(sql).not.toContain('audit_entry')
    expect(sqlFor({ parts: ['audit'], schema: 'messaging', direction: 'down' })).toContain(
      'drop table "messaging".audit_entry',
    )
  })

  test.each(['', 'a"b', "a'b", 'a\0b', 'ä'.repeat(32), 'a$body$b'])(
    'a schema named %j is refused',
    (schema) => {
      expect(
        isBackstitchError(
          thrownBy(() => sqlFor({ parts: ['outbox'], schema })),
          'CONFIG_INVALID',
        ),
      ).toBe(true)
    },
  )
})
