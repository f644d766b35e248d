import { runProgram } from '../run-program.ts'

/** The OS user a server runs as. */
export interface ServerOwner {
  uid: number
  gid: number
}

/** In order of preference. `nobody` is on every system, so that no user has to be made. */
const CANDIDATES = ['postgres', 'nobody']

/**
 * Postgres refuses to run as root, so a root run gives it to another user of the system; any other run keeps its own
 * user (undefined).
 */
export async function postgresOwner(): Promise<ServerOwner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of CANDIDATES) {
    const [uid, gid] = await Promise.all([idOf('-u', name), idOf('-g', name)])
    if (uid !== undefined && gid !== undefined) return { uid, gid }
  }
  throw new Error(
    `Postgres cannot run as root, and the system has none of the users ${CANDIDATES.join(', ')}`,
  )
}

async function idOf(kind: '-u' | '-g', name: string): Promise<number | undefined> {
  const { code, stdout } = await runProgram('id', [kind, name])
  return code === 0 ? Number(stdout.toString()) : undefined
}
