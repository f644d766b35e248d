import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn } from '../finding.ts'

/** Transactions that have been open for more than an hour. The relay does not wait for them; vacuum does. */
export function checkTransactions({ oldTransactions }: DatabaseFacts): readonly Judgement[] {
  if (oldTransactions.length === 0) return [ok('transactions', 'none is older than an hour')]
  const named = oldTransactions.map(
    ({ kind, name, owner, database, age_seconds }) =>
      `${kind === 'prepared' ? 'prepared' : 'process'} ${name} of ${owner || 'somebody'} in ${database || 'a database'}, ${hours(age_seconds)}`,
  )
  const ends = oldTransactions.map(({ kind, name }) =>
    kind === 'prepared'
      ? `rollback prepared '${name.replaceAll("'", "''")}';`
      : `select pg_terminate_backend(${name});`,
  )
  return [
    warn(
      'transactions',
      some(named),
      'While they are open no dead row of the cluster can be removed, and rows that they wrote are not published.',
      `End them where they belong, or: ${some(ends)}`,
    ),
  ]
}

function hours(seconds: number): string {
  return seconds < 36_000 ? `${(seconds / 3_600).toFixed(1)} h` : `${Math.round(seconds / 3_600)} h`
}
