import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { INITDB_ARGUMENTS, postgresArguments } from '../../parameters.ts'
import type { PostgresServer, PostgresSettings, ProcessControl } from '../../settings.ts'
import { probePostgres } from '../../readiness/probe-postgres.ts'
import { freePorts } from '../free-ports.ts'
import { GuardedServer, ServerFailedError } from '../guarded-server.ts'
import { postgresBinaries } from './postgres-binaries.ts'
import { postgresOwner } from './postgres-owner.ts'
import { reachableTemporaryFolder } from './reachable.ts'

const READY_WITHIN_MS = 60_000
const GRACE_MS = 4_000
const ATTEMPTS_MAX = 3

/** Sets up a Postgres of its own from the programs npm installed and starts it on a free port of 127.0.0.1. */
export async function startLocalPostgres(
  settings: PostgresSettings,
  log: (line: string) => void,
): Promise<PostgresServer & ProcessControl> {
  const owner = await postgresOwner()
  const [binaries, temporary] = await Promise.all([
    settings.programsFolder === undefined
      ? postgresBinaries(owner, log)
      : {
          postgres: join(settings.programsFolder, 'postgres'),
          initdb: join(settings.programsFolder, 'initdb'),
        },
    reachableTemporaryFolder(owner),
  ])
  const password = randomBytes(12).toString('hex')
  const access = ['--username=postgres', '--pwfile={folder}/password', '--auth=scram-sha-256']
  // --no-sync: a cluster that is lost while it is being set up is set up again, elsewhere
  const initdb = ['--pgdata={folder}/data', ...access, ...INITDB_ARGUMENTS, '--no-sync', '--no-instructions']
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0] = await freePorts(1)
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
    try {
      const server = await GuardedServer.start({
        name: 'Postgres',
        probe: () => probePostgres(url),
        readyWithinMs: READY_WITHIN_MS,
        order: {
          folderPrefix: join(temporary, 'backstitch-postgres-run-'),
          owner,
          env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
          files: { password: `${password}\n` },
          steps: [{ path: binaries.initdb, args: initdb }],
          server: {
            path: binaries.postgres,
            args: [
              '-D',
              '{folder}/data',
              ...postgresArguments(settings, {
                listen_addresses: '127.0.0.1',
                unix_socket_directories: '',
                port: String(port),
              }),
            ],
          },
          stopSignal: 'SIGINT', // "fast": ends sessions, then stops
          graceMs: GRACE_MS,
        },
      })
      return {
        url,
        origin: 'local',
        stop: () => server.stop(),
        pid: () => server.pid(),
        kill: (signal) => server.kill(signal),
        restart: () => server.restart(),
      }
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isPortTaken(error)) throw error
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ServerFailedError && /could not bind|could not create any TCP/.test(error.message)
}
