/**
 * The sagas that have some business keys.
 * `$1` name of the definition, `$2` keys. Returns {@link KeyRecord}.
 */
export function findByKeys(schema: string): string {
  return `select business_key, saga_id from ${schema}.saga_business_key where name = $1 and business_key = any($2::text[])`
}

/** A row of {@link findByKeys}. */
export type KeyRecord = { readonly business_key: string; readonly saga_id: string }
