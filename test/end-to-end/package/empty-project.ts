import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProgramResult, runProgram } from './run-program.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What of the repository the build and the package are made of. */
const sources =
  'src migrations docs package.json tsconfig.json tsconfig.build.json README.md GLOSSARY.md LICENSE'.split(
    ' ',
  )

type Manifest = {
  readonly version: string
  readonly engines: { readonly node: string }
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** A project of somebody who has installed the package, in a folder of its own. */
export type EmptyProject = {
  readonly folder: string
  /** The oldest Node that the package says it runs on, installed in the project. */
  readonly oldestNode: string
  readonly oldestVersion: string
  /** Runs a program in the project, with the given Node first on the path. */
  run(
    program: string,
    words: readonly string[],
    options?: {
      readonly node?: string
      readonly environment?: Record<string, string>
      readonly until?: () => Promise<boolean>
    },
  ): Promise<ProgramResult>
  write(file: string, text: string): Promise<void>
  remove(): Promise<void>
}

/** Packs the package and installs it in an empty project, next to `pg`, `kafkajs`, `zod` and the types that a user of TypeScript has. */
export async function emptyProject(): Promise<EmptyProject> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest
  const base = await realpath(await mkdtemp(join(tmpdir(), 'backstitch-package-')))
  const folder = join(base, 'shop')
  await mkdir(folder)
  const run: EmptyProject['run'] = (
    program,
    words,
    { node = process.execPath, environment = {}, until } = {},
  ) =>
    runProgram(program, words, {
      folder,
      environment: {
        ...environment,
        HOME: process.env['HOME'] ?? base,
        PATH: [dirname(node), process.env['PATH'] ?? ''].join(delimiter),
        ...npmSettings(),
      },
      ...(until && { until }),
    })

  const tarball = await pack(base, run)
  const oldestVersion = `${manifest.engines.node.replace('>=', '')}.0`
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'shop', private: true, type: 'module', allowScripts: { node: true } }),
  )
  const versions = ['pg', 'kafkajs', 'zod', '@types/pg', '@types/node'].map(
    (name) => `${name}@${manifest.devDependencies[name]}`,
  )
  const flags = ['--save-exact', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  expectSuccess(await run('npm', ['install', ...flags, tarball, ...versions, `node@${oldestVersion}`]))
  return {
    folder,
    oldestNode: join(folder, 'node_modules/node/bin/node'),
    oldestVersion,
    run,
    write: (file, text) => writeFile(join(folder, file), text),
    remove: () => rm(base, { recursive: true, force: true }),
  }
}

/** Packs a copy of the sources: what an earlier build has left in `dist/` must not get into the package, nor another build under way. */
async function pack(base: string, run: EmptyProject['run']): Promise<string> {
  const copy = join(base, 'sources')
  await mkdir(copy)
  await Promise.all(sources.map((path) => cp(join(root, path), join(copy, path), { recursive: true })))
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
  expectSuccess(await run('npm', ['pack', copy, '--pack-destination', base, '--loglevel=error']))
  const [tarball] = (await readdir(base)).filter((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack wrote no package')
  return join(base, tarball)
}

/** What this machine tells npm by variables, such as the address of a mirror. */
function npmSettings(): Record<string, string> {
  const passed =
    /^(npm_config_(registry|cache|cafile|userconfig|globalconfig|proxy|https_proxy)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => passed.test(name)) as [string, string][],
  )
}

function expectSuccess({ code, output }: ProgramResult): void {
  if (code !== 0) throw new Error(`npm ended with ${code}: ${output}`)
}
