/**
 * Takes a partition’s row of attempts over, makes it where there is none, and counts a death for the record that another owner had alone in
 * hand. What the row says is kept: the new owner has to know it until it has written what is begun now.
 *
 * The commit waits for no disk (`is_local` ends with the statement’s own transaction).
 *
 * `$1` group, `$2` topic, `$3` partition, `$4` owner. Returns one {@link AttemptsRow}.
 */
export function takeAttempts(schema: string): string {
  return `with quick as materialized (select set_config('synchronous_commit', 'off', true))
insert into ${schema}.inbox_attempt as was (consumer_group, topic, partition, owner)
select $1, $2, $3::integer, $4::uuid from quick
on conflict (consumer_group, topic, partition) do update set
  owner = excluded.owner, epoch = was.epoch + 1, alone = null, given_back = false, changed_at = clock_timestamp(),
  deaths = case when was.alone is null or was.given_back or was.owner = excluded.owner then was.deaths
    else was.deaths || was.alone end
returning epoch, first_offset, last_offset, others, deaths`
}

/** What is begun, and what was counted; numbers as text. */
export type AttemptsRow = {
  readonly epoch: string
  readonly first_offset: string | null
  readonly last_offset: string | null
  readonly others: readonly string[]
  readonly deaths: readonly string[]
}
