import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, some, warn, wrong } from '../finding.ts'

/** The first version with `xid8` and `pg_snapshot`. */
const versionMin = 13

/** The version of the server, whether it is a primary, and what it does to a commit. */
export function checkServer({ server, roleSettings }: DatabaseFacts): readonly Judgement[] {
  return [version(server.version, server.version_text), primary(server.in_recovery), ...durability()]

  function* durability(): Generator<Judgement> {
    const { fsync, full_page_writes, synchronous_commit, synchronous_standby_names } = server
    for (const [name, value] of Object.entries({ fsync, full_page_writes }))
      yield value === 'on'
        ? ok(name, 'on')
        : wrong(
            name,
            value,
            'A crash of the machine can take commits back, or leave tables damaged.',
            `alter system set ${name} = on; select pg_reload_conf();`,
          )
    const roles = roleSettings.map(({ role }) => role ?? 'all roles')
    if (synchronous_commit === 'off')
      yield wrong(
        'synchronous_commit',
        'off',
        'A crash can take back the last commits, messages included, though their writers were told that they are done.',
        'Set it to on: alter system, alter database, or alter role, wherever it was switched off.',
      )
    else if (roles.length > 0)
      yield wrong(
        'synchronous_commit',
        `${synchronous_commit} here, off for ${some(roles)}`,
        'A crash can take back their last commits, messages included, though they were told that they are done.',
        roleSettings.map(({ role }) => `alter role ${role ?? 'all'} reset synchronous_commit;`).join(' '),
      )
    else if (synchronous_standby_names !== '' && ['local', 'remote_write'].includes(synchronous_commit))
      yield warn(
        'synchronous_commit',
        `${synchronous_commit}, with synchronous standbys`,
        'After a failover, messages can be missing that were published.',
        'Set it to on, so that a commit is on the disk of a standby before it is visible.',
      )
    else yield ok('synchronous_commit', synchronous_commit)
  }
}

function version(number: number, text: string): Judgement {
  return Math.floor(number / 10_000) >= versionMin
    ? ok('version', `Postgres ${text}`)
    : wrong(
        'version',
        `Postgres ${text}`,
        `backstitch needs ${versionMin} at least, for transaction numbers of 64 bits.`,
        'Upgrade the server.',
      )
}

function primary(isStandby: boolean): Judgement {
  return isStandby
    ? wrong(
        'primary',
        'a standby',
        'Nothing can be written, and the relay refuses it: a standby does not know which transactions are open.',
        'Point the URL at the primary.',
      )
    : ok('primary', 'a primary')
}
