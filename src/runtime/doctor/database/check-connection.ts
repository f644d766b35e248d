import type { DatabaseFacts } from '../../../postgres/doctor/database-facts.ts'
import { type Judgement, ok, warn, wrong } from '../finding.ts'

/** A clock that is off by more than this misleads whoever compares times. */
const clockOffMs = 1_000

/** What is between this machine and the server: a pooler, and time. */
export function checkConnection({ connection }: DatabaseFacts): readonly Judgement[] {
  const { announcedBackend, backends, namedStatement, clockAheadMs, roundTripMs } = connection
  return [pooler(), clock()]

  function pooler(): Judgement {
    const session =
      'Give the relay and the orchestrator the server’s own address, or a pooler in session mode.'
    if ('unknown' in namedStatement)
      return wrong(
        'pooler',
        namedStatement.unknown,
        'Statements that were prepared on the connection are gone: the relay and the orchestrator cannot work.',
        session,
      )
    if (new Set(backends).size > 1)
      return wrong(
        'pooler',
        `${new Set(backends).size} server processes answer one connection`,
        'A pooler in transaction mode is in between: what is set, locked and prepared on one of them is unknown to the next.',
        session,
      )
    if (announcedBackend !== undefined && backends.some((backend) => backend !== announcedBackend))
      return warn(
        'pooler',
        'another server process answers than was announced',
        'A pooler is in between. In transaction mode the relay and the orchestrator fail as soon as it has other clients.',
        session,
      )
    return ok('pooler', 'none, or one in session mode')
  }

  function clock(): Judgement {
    const offMs = Math.abs(clockAheadMs)
    const found = `${offMs < 1_000 ? `${Math.round(offMs)} ms` : `${(offMs / 1_000).toFixed(1)} s`} ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this machine`
    return offMs - roundTripMs / 2 > clockOffMs
      ? warn(
          'clock',
          found,
          'Nothing of ours depends on it, but measured lags are wrong by so much, and far apart Kafka may refuse records for their time.',
          'Let both machines follow one time server.',
        )
      : ok('clock', found)
  }
}
