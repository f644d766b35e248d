/** A row as a driver returns it: column names to values. */
export type SqlRow = Record<string, unknown>

/**
 * The least that backstitch needs of a transaction: run one statement with `$n` parameters inside it.
 * `pg` clients fit as they are; adapters make the same of other libraries’ transactions.
 */
export type SqlExecutor = {
  query<Row extends SqlRow = SqlRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>
}
