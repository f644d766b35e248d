import type { DatabaseFacts, OutboxFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn, wrong } from '../finding.ts'

/** Rows of one leaf. A relay keeps four times as many free; with less than this none has been able to for a while. */
const aheadRows = 250_000n

/** The outbox itself: its leaves, its sequence, and what others hung on it. */
export function checkOutbox({ outbox }: DatabaseFacts): readonly Judgement[] {
  if (outbox === undefined) return []
  if ('unknown' in outbox)
    return [wrong('outbox', outbox.unknown, 'It cannot be read.', 'See the checks schema and rights.')]
  const facts = outbox.value
  return [relay(facts), ownXid(facts), sequence(facts), ...leaves(facts), interceptors(facts)]
}

function relay({ owners }: OutboxFacts): Judgement {
  const strange = owners.filter(({ is_foreign, is_ahead }) => is_foreign || is_ahead)
  if (strange.length > 0)
    return wrong(
      'relay',
      strange.some(({ is_foreign }) => is_foreign)
        ? 'the checkpoint was saved in another cluster'
        : 'the checkpoint knows transactions that are not there',
      'The database was restored or replaced: no relay can tell what of it was published, and each refuses it.',
      'Stop the services that write the outbox and run `backstitch outbox adopt`.',
    )
  const free = owners.filter(({ is_owned }) => !is_owned).map(({ shard }) => String(shard))
  if (free.length === 0)
    return ok('relay', `owned by ${some([...new Set(owners.map(({ owner }) => owner ?? ''))])}`)
  return warn(
    'relay',
    owners.length === 1 ? 'none owns the outbox' : `none owns the shards ${some(free, 8)}`,
    'Its rows are kept, and wait.',
    'Start `backstitch relay`. Where one runs, its log says what it waits for.',
  )
}

function ownXid({ leaves: all }: OutboxFacts): Judgement {
  const without = all.filter(({ has_own_xid_check }) => !has_own_xid_check).map(({ name }) => name)
  return without.length === 0
    ? ok('own-xid', `checked on each of ${all.length} leaves`)
    : wrong(
        'own-xid',
        `no check on ${some(without)}`,
        'A row with the number of another transaction is never published, or for ever.',
        without
          .map(
            (name) =>
              `alter table ${name} add constraint outbox_own_xid check (xid = pg_current_xact_id()) not valid;`,
          )
          .join(' '),
      )
}

function sequence({ sequence: found }: OutboxFacts): Judgement {
  if (!found)
    return wrong(
      'sequence',
      'seq has none',
      'Rows get no number, and the relay does not start.',
      'Put the identity column back.',
    )
  if (found.cycles)
    return wrong(
      'sequence',
      'cycles',
      'Numbers would come twice.',
      'alter table outbox alter column seq set no cycle;',
    )
  return found.cache === 1
    ? ok('sequence', `cache 1, at ${found.last}`)
    : warn(
        'sequence',
        `cache ${found.cache}`,
        'Nothing can be concluded from the order of the numbers: the relay works and reads more.',
        'alter table outbox alter column seq set cache 1;',
      )
}

function* leaves({ leaves: all, sequence: found }: OutboxFacts): Generator<Judgement> {
  const ends = all.flatMap(({ ends_before }) => (ends_before === null ? [] : [BigInt(ends_before)]))
  const end = ends.reduce((last, next) => (next > last ? next : last), 0n)
  const left = end - BigInt(found?.last ?? '0')
  yield left >= aheadRows
    ? ok('leaves', `made for ${left} rows ahead`)
    : warn(
        'leaves',
        left > 0n ? `made for ${left} rows ahead` : 'none is left',
        'No relay makes them ahead; what comes after the last goes into the default partition.',
        'Run a relay; its log says why a leaf could not be added.',
      )
  const filled = all.find(({ is_default, hasRows }) => is_default && hasRows)
  if (filled)
    yield warn(
      'default-leaf',
      `${filled.name} holds rows`,
      'They are published as all others. The relay empties it by and by; until then it is in the way of new leaves.',
      'Run a relay, and look again.',
    )
  else yield ok('default-leaf', 'empty')
}

function interceptors({ interceptors: found }: OutboxFacts): Judgement {
  if (found.length === 0) return ok('interceptors', 'no trigger, rule or row-level security')
  const named = found.map(({ kind, name, table }) =>
    kind.endsWith('security') ? `${kind} on ${table}` : `the ${kind} ${name} on ${table}`,
  )
  const hides = found.some(({ kind }) => kind !== 'trigger')
  const judge = hides ? wrong : warn
  return judge(
    'interceptors',
    some(named),
    hides
      ? 'Rows may be hidden from the relay (it then fails rather than lose them) or never arrive in the outbox.'
      : 'A trigger runs in every writer’s transaction, may change or drop its rows, and sees no order.',
    'Remove it from the outbox.',
  )
}
