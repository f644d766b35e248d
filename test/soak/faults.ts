import type { OwnServices } from '../../dev-services/index.ts'
import type { FaultStage } from '../faults/world/fault-stage.ts'
import type { RelayProcess } from '../faults/world/relay-process.ts'
import { pause } from '../faults/world/until.ts'

/** What a soak does to its servers and relays. */
export type SoakFaults = { readonly name: string; readonly strike: () => Promise<void> }[]

/** The faults of a soak. One relay is killed and started again, the other is only frozen, so that what it holds can be watched all along. */
export function faultsOf(
  services: OwnServices,
  stage: FaultStage,
  steady: RelayProcess,
  leaseDurationMs: number,
): SoakFaults {
  let other = stage.startRelay()
  return [
    {
      name: 'a relay killed',
      strike: async () => {
        await other.kill()
        await pause(1_000)
        other = stage.startRelay()
      },
    },
    {
      name: 'a relay frozen beyond its lease',
      strike: async () => {
        steady.signal('SIGSTOP')
        await pause(2 * leaseDurationMs)
        steady.signal('SIGCONT')
      },
    },
    {
      name: 'all sessions ended',
      strike: async () => {
        await stage.pool
          .query(
            'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          )
          .catch(() => undefined)
      },
    },
    {
      name: 'the broker frozen',
      strike: async () => {
        await services.kafka.kill('SIGSTOP')
        await pause(3_000)
        await services.kafka.kill('SIGCONT')
      },
    },
    {
      name: 'the broker killed',
      strike: async () => {
        await services.kafka.kill('SIGKILL')
        await pause(2_000)
        await services.kafka.restart()
      },
    },
    {
      name: 'Postgres killed',
      strike: async () => {
        await services.postgres.kill('SIGKILL')
        await pause(500)
        await services.postgres.restart()
      },
    },
  ]
}
