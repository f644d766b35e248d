/**
 * The least that backstitch needs of a caller’s transaction: run one statement with `$n` parameters inside it.
 * `pg` clients fit as they are; adapters make the same of other libraries’ transactions.
 */
export type SqlExecutor = {
  query(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}
