import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** What a started run says of its servers. */
export interface StartedServers {
  pids: number[]
  ports: number[]
}

/** A run in a process of its own, with a folder for temporary files of its own, so that whatever it leaves shows. */
export class ChildRun {
  readonly process: ChildProcess
  readonly temporary: string
  errors = ''

  private constructor(child: ChildProcess, temporary: string) {
    this.process = child
    this.temporary = temporary
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()))
  }

  /** Starts `script` with Node. */
  static async start(script: string, args: string[], temporary?: string): Promise<ChildRun> {
    const folder = temporary ?? (await ChildRun.temporaryFolder())
    const child = spawn(process.execPath, [script, ...args], {
      env: { ...process.env, TMPDIR: folder, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new ChildRun(child, folder)
  }

  /** Like /tmp: everybody may pass and write. */
  static async temporaryFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'dev-services-test-'))
    await chmod(folder, 0o1777)
    return folder
  }

  /** The run's first line; rejects with its complaints if it ends before. */
  async started(): Promise<StartedServers> {
    const { stdout } = this.process
    if (stdout === null) throw new Error('no pipe')
    for await (const line of createInterface({ input: stdout })) return JSON.parse(line) as StartedServers
    throw new Error(`the run ended early: ${this.errors}`)
  }

  /** `kill -9`, and wait until it has happened. */
  async killHard(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await ended
  }

  /** What is left in its folder for temporary files. */
  async leftovers(): Promise<string[]> {
    const names = await readdir(this.temporary)
    // a clone in a closed folder has its Postgres programs copied to where their OS user can read them, for all runs
    return names.filter((name) => !/^backstitch-postgres-\d/.test(name))
  }

  async clear(): Promise<void> {
    await this.killHard()
    await rm(this.temporary, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** The living processes that have `text` in their command line; zombies hold nothing and do not count. */
export function processesWith(text: string): number[] {
  return processTable()
    .filter(({ command }) => command.includes(text))
    .map(({ pid }) => pid)
}

/** The parent of a living process. */
export function parentOf(pid: number): number {
  const found = processTable().find((row) => row.pid === pid)
  if (found === undefined) throw new Error(`no process ${pid}`)
  return found.parent
}

/** Whether a process lives (a zombie does not). */
export function isAlive(pid: number): boolean {
  return processTable().some((row) => row.pid === pid)
}

function processTable(): { pid: number; parent: number; command: string }[] {
  const table = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
  return table.split('\n').flatMap((row) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(row) ?? []
    if (pid === undefined || command === undefined || state?.startsWith('Z') === true) return []
    return [{ pid: Number(pid), parent: Number(parent), command }]
  })
}

/** Whether nobody holds a port of 127.0.0.1. */
export function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
