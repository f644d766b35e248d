/**
 * Takes the turn to clear old rows away, which comes round once in a while for all groups together. Affects 1 row or none.
 * `$1` after how many ms.
 */
export function takeTurn(schema: string): string {
  return `update ${schema}.inbox_retention set looked_at = clock_timestamp()
where looked_at <= clock_timestamp() - make_interval(secs => $1::double precision / 1000)`
}
