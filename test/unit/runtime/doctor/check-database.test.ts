import { describe, expect, test } from 'vitest'
import { checkDatabase } from '../../../../src/runtime/doctor/database/check-database.ts'
import { facts, goodOutbox } from './facts.ts'

/** What is not ok, as `wrong fsync`. */
const troubles = (change: Parameters<typeof facts>[0]): string[] =>
  checkDatabase(facts(change)).flatMap(({ verdict, check }) =>
    verdict === 'ok' ? [] : [`${verdict} ${check}`],
  )

const [first, , last] = goodOutbox.leaves
const leaf = first as NonNullable<typeof first>
const defaultLeaf = last as NonNullable<typeof last>

describe('a database', () => {
  test('in which all is well', () => {
    expect(troubles({})).toEqual([])
  })

  test('without an outbox', () => {
    expect(checkDatabase({ ...facts({}), outbox: undefined }).map(({ check }) => check)).not.toContain(
      'leaves',
    )
  })

  test('whose groups are there, or have been away for a week', () => {
    const group = (seenMs: number) => ({
      rest: {
        groups: {
          value: [
            {
              group: 'billing',
              kind: 'consumer' as const,
              topics: [],
              generation: 1,
              retention_ms: '1',
              seen_at: new Date(seenMs),
              passed_at: null,
              dead_letters: '0',
            },
          ],
        },
      },
    })
    expect(troubles(group(-6 * 86_400_000))).toEqual([])
    expect(troubles(group(-8 * 86_400_000))).toEqual(['warn groups'])
    expect(troubles({ rest: { groups: { unknown: 'permission denied' } } })).toEqual(['wrong groups'])
  })

  test.each<[string, string, Parameters<typeof facts>[0]]>([
    ['of an old server', 'wrong version', { server: { version: 120_020, version_text: '12.20' } }],
    ['that is a standby', 'wrong primary', { server: { in_recovery: true } }],
    ['without fsync', 'wrong fsync', { server: { fsync: 'off' } }],
    ['without full pages', 'wrong full_page_writes', { server: { full_page_writes: 'off' } }],
    ['that commits asynchronously', 'wrong synchronous_commit', { server: { synchronous_commit: 'off' } }],
    [
      'in which all roles commit asynchronously',
      'wrong synchronous_commit',
      { rest: { roleSettings: [{ role: null, setting: 'synchronous_commit=off' }] } },
    ],
    [
      'whose standbys are not waited for',
      'warn synchronous_commit',
      { server: { synchronous_commit: 'local', synchronous_standby_names: 'ANY 1 (*)' } },
    ],
    ['behind a pooler that shares', 'wrong pooler', { connection: { backends: [7, 8, 7] } }],
    ['behind a pooler that is idle', 'warn pooler', { connection: { announcedBackend: 99 } }],
    [
      'behind a pooler that forgets statements',
      'wrong pooler',
      { connection: { namedStatement: { unknown: 'prepared statement "x" does not exist' } } },
    ],
    ['whose clock is ahead', 'warn clock', { connection: { clockAheadMs: 5_000 } }],
    ['whose clock is behind', 'warn clock', { connection: { clockAheadMs: -5_000 } }],
    [
      'of a newer version',
      'wrong schema',
      { rest: { schema: { code: 'SCHEMA_NEWER', message: 'The tables are newer.' } } },
    ],
    [
      'in which nothing can be compared',
      'warn drift',
      { rest: { expectedCatalog: { unknown: 'permission denied to create temporary tables' } } },
    ],
    [
      'that cannot be looked into',
      'wrong rights',
      { rest: { missingRights: { unknown: 'permission denied' } } },
    ],
    [
      'that may not be written',
      'wrong rights',
      { rest: { missingRights: { value: [{ kind: 'table', name: 'b.outbox', right: 'insert' }] } } },
    ],
    [
      'that belongs to somebody else',
      'warn ownership',
      { rest: { missingRights: { value: [{ kind: 'owner', name: 'b.outbox', right: 'owner' }] } } },
    ],
    [
      'with an old transaction',
      'warn transactions',
      {
        rest: {
          oldTransactions: [{ kind: 'open', name: '17', owner: 'ann', database: 'x', age_seconds: 4_000 }],
        },
      },
    ],
    [
      'with a prepared transaction',
      'warn transactions',
      {
        rest: {
          oldTransactions: [{ kind: 'prepared', name: `o'x`, owner: '', database: '', age_seconds: 90_000 }],
        },
      },
    ],
    [
      'with a leaf that takes foreign rows',
      'wrong own-xid',
      { outbox: { leaves: [{ ...leaf, ends_before: '9000000', has_own_xid_check: false }, defaultLeaf] } },
    ],
    [
      'whose leaves are used up',
      'warn leaves',
      { outbox: { sequence: { cache: 1, cycles: false, last: '1999999' } } },
    ],
    [
      'with rows in the default leaf',
      'warn default-leaf',
      { outbox: { leaves: [...goodOutbox.leaves.slice(0, 2), { ...defaultLeaf, hasRows: true }] } },
    ],
    [
      'that no relay works on',
      'warn relay',
      {
        outbox: { owners: [{ shard: 0, is_owned: false, owner: null, is_foreign: false, is_ahead: false }] },
      },
    ],
    [
      'that was copied to another cluster',
      'wrong relay',
      { outbox: { owners: [{ shard: 0, is_owned: true, owner: 'h', is_foreign: true, is_ahead: false }] } },
    ],
    [
      'that was restored to an earlier state',
      'wrong relay',
      { outbox: { owners: [{ shard: 0, is_owned: false, owner: 'h', is_foreign: false, is_ahead: true }] } },
    ],
    ['without a sequence', 'wrong sequence', { outbox: { sequence: undefined } }],
    [
      'with a sequence in circles',
      'wrong sequence',
      { outbox: { sequence: { cache: 1, cycles: true, last: '1' } } },
    ],
    [
      'with a cached sequence',
      'warn sequence',
      { outbox: { sequence: { cache: 9, cycles: false, last: '1' } } },
    ],
    [
      'with a trigger',
      'warn interceptors',
      { outbox: { interceptors: [{ kind: 'trigger', name: 't', table: 'b.outbox' }] } },
    ],
    [
      'with row-level security',
      'wrong interceptors',
      { outbox: { interceptors: [{ kind: 'row-level security', name: 'outbox', table: 'b.outbox' }] } },
    ],
  ])('%s: %s', (_, expected, change) => {
    expect(troubles(change)).toEqual([expected])
  })

  test('that may not be read at all', () => {
    expect(checkDatabase({ ...facts({}), outbox: { unknown: 'permission denied' } })).toContainEqual(
      expect.objectContaining({ check: 'outbox', verdict: 'wrong' }),
    )
  })

  test('the fix of a prepared transaction is a statement, whatever its name', () => {
    const [judgement] = checkDatabase(
      facts({
        rest: {
          oldTransactions: [{ kind: 'prepared', name: `o'x`, owner: '', database: '', age_seconds: 90_000 }],
        },
      }),
    ).filter(({ check }) => check === 'transactions')
    expect(judgement?.fix).toContain(`rollback prepared 'o''x';`)
  })
})
