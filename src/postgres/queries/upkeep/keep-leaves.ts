/** The calls by which leaves are kept, each a transaction of its own; what they do is said where the first migration makes them. */
export function keepLeaves(schema: string) {
  return {
    /** `$1`, `$2` the range. */
    add: `select ${schema}.outbox_add_leaf($1::bigint, $2::bigint)`,
    /** `$1`, `$2` the range. */
    openGap: `select ${schema}.outbox_open_gap($1::bigint, $2::bigint)`,
    validateGap: `select ${schema}.outbox_validate_gap()`,
    closeGap: `select ${schema}.outbox_close_gap()`,
    skipToLeaf: `select ${schema}.outbox_skip_to_leaf()`,
    /** `$1` the name, `$2` how long rows are kept, ms. Returns `[whether it was done]`. */
    empty: `select ${schema}.outbox_empty_leaf($1::text, $2::bigint)`,
    /** `$1` how long rows are kept, ms. Returns `[a name]` for each leaf. */
    remove: `select unnest(${schema}.outbox_remove_leaves($1::bigint))`,
    /** Returns `[how many]`. */
    forgetSettled: `select ${schema}.outbox_forget_settled()`,
    /** `$1` how long rows are kept, ms. Returns `[a name]` for each table. */
    dropKept: `select unnest(${schema}.outbox_drop_kept($1::bigint))`,
  }
}
