import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where systems keep the programs of Postgres, one folder a version. */
const home = '/usr/lib/postgresql'

/**
 * The folder of an installation of Postgres that has all programs, dump and restore too (those that npm brings lack them); `undefined`
 * where the system has none.
 */
export function programsFolder(): string | undefined {
  const folders = existsSync(home) ? readdirSync(home).map((version) => join(home, version, 'bin')) : []
  return folders.findLast((folder) =>
    ['initdb', 'postgres', 'pg_dump', 'pg_restore'].every((program) => existsSync(join(folder, program))),
  )
}

/** Dumps a database as it is at this moment, and restores it into an empty one. */
export class Dump {
  readonly #folder: string
  readonly #bytes: Buffer

  constructor(folder: string, url: string) {
    this.#folder = folder
    this.#bytes = execFileSync(join(folder, 'pg_dump'), ['--format=custom', `--dbname=${url}`], {
      maxBuffer: 1 << 30,
    })
  }

  restoreInto(url: string): void {
    execFileSync(join(this.#folder, 'pg_restore'), ['--exit-on-error', `--dbname=${url}`], {
      input: this.#bytes,
    })
  }
}
