import type { Part } from '../../../migrations/migration.ts'
import { outboxLeafFunctions } from '../../../migrations/outbox/leaf-functions.ts'
import type { MissingRightRow } from '../queries/doctor/list-missing-rights.ts'

const all = ['select', 'insert', 'update', 'delete'] as const

/** Tables by part, with the rights that the processes and writers use. */
const tables: Readonly<Record<Part, Readonly<Record<string, readonly string[]>>>> = {
  outbox: {
    outbox: ['select', 'insert'],
    outbox_checkpoint: ['select', 'insert'],
    outbox_deferred: all,
    outbox_topic: ['select', 'insert', 'update'],
    outbox_quarantine: all,
    outbox_settled: ['select', 'insert'],
    outbox_sharding: ['select'],
    outbox_replay: ['select', 'update'],
  },
  inbox: {
    inbox: ['select', 'insert'],
    inbox_group: all,
    inbox_retention: ['select', 'update'],
    dead_letter: all,
    dead_letter_key: all,
    inbox_attempt: ['select', 'insert', 'update'],
  },
  participant: { participant_step: ['select', 'insert'] },
  saga: {
    saga_instance: all,
    saga_definition: ['select', 'insert'],
    saga_history: ['select', 'insert'],
    saga_business_key: ['select', 'insert'],
    saga_set_aside: all,
  },
  timer: { timer: all },
  audit: { audit_entry: ['select', 'insert'] },
}

/** Functions of the system that the relay’s statements call. */
const functions = [
  'pg_control_system()',
  'pg_control_checkpoint()',
  'pg_current_wal_insert_lsn()',
  'pg_current_wal_flush_lsn()',
  'pg_walfile_name(pg_lsn)',
]

/** Whose owner alone may empty them, or add leaves. */
const grown: Partial<Record<Part, readonly string[]>> = {
  outbox: ['outbox_checkpoint'],
  inbox: ['inbox'],
}

/** The rights that a database’s user needs for some parts. @param schema quoted */
export function wantedRights(schema: string, parts: readonly Part[]): readonly MissingRightRow[] {
  const ofTables = parts.flatMap((part) =>
    Object.entries(tables[part]).flatMap(([table, rights]) =>
      rights.map((right) => ({ kind: 'table' as const, name: `${schema}.${table}`, right })),
    ),
  )
  const owned = parts.flatMap((part) =>
    (grown[part] ?? []).map((table) => ({
      kind: 'owner' as const,
      name: `${schema}.${table}`,
      right: 'owner',
    })),
  )
  const called = [...functions.map((name) => `pg_catalog.${name}`), ...revokedFunctions(schema)]
  const ofFunctions = parts.includes('outbox')
    ? called.map((name) => ({ kind: 'function' as const, name, right: 'execute' }))
    : []
  return [
    { kind: 'schema', name: schema, right: 'usage' },
    { kind: 'table', name: `${schema}.backstitch_migration`, right: 'select' },
    ...ofTables,
    ...owned,
    ...ofFunctions,
  ]
}

/** Functions of ours that not everybody may call. */
function revokedFunctions(schema: string): readonly string[] {
  return outboxLeafFunctions(schema).flatMap(
    (statement) => /^revoke execute on function (.*) from public$/.exec(statement)?.[1] ?? [],
  )
}
