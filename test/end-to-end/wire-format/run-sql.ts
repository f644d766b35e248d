import { spawn } from 'node:child_process'
import { Client } from 'pg'

/**
 * Runs SQL as a person at a terminal would: through `psql` where the machine has it, else through `pg`.
 * @returns which of them it was
 * @throws Error with what psql said when a statement fails
 */
export async function runSql(url: string, sql: string): Promise<'psql' | 'pg'> {
  if (await runPsql(url, sql)) return 'psql'
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
  return 'pg'
}

/** @returns false where there is no psql */
async function runPsql(url: string, sql: string): Promise<boolean> {
  const program = 'psql'
  const child = spawn(program, ['--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', url], {
    env: { PATH: process.env['PATH'] ?? '', PGCLIENTENCODING: 'UTF8' },
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  child.stdin.on('error', () => undefined) // it ended before it had read everything: its exit code says why
  child.stdin.end(sql)
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve(false) : reject(error),
    )
    child.once('close', (code) => {
      if (code === 0) resolve(true)
      else reject(new Error(`psql ended with ${code}: ${complaint}`))
    })
  })
}
