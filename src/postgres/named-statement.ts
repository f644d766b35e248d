import { createHash } from 'node:crypto'
import type { SqlExecutor, SqlRow } from '../kernel/sql-executor.ts'

/** A statement that each connection prepares once. */
export type NamedStatement = { readonly name: string; readonly text: string }

/** Names a statement after its text, so that two schemas, or two versions of the package, never share a name on one connection. */
export function namedStatement(verb: string, text: string): NamedStatement {
  return { name: `backstitch ${verb} ${createHash('sha256').update(text).digest('hex').slice(0, 12)}`, text }
}

/** Runs a named statement on a client of `pg`, which is what a transaction of ours is. */
export async function runNamed<Row extends SqlRow>(
  tx: SqlExecutor,
  { name, text }: NamedStatement,
  values: readonly unknown[],
): Promise<{ rows: Row[]; rowCount: number | null }> {
  const client = tx as unknown as {
    query(config: {
      name: string
      text: string
      values: unknown[]
    }): Promise<{ rows: Row[]; rowCount: number | null }>
  }
  return client.query({ name, text, values: [...values] })
}
