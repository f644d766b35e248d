import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { importsOf } from '../source/imports.ts'
import type { SourceFile } from '../source/files.ts'

/** What a room of `src/` may import beside lower floors. */
type Room = {
  readonly floor: 0 | 1 | 2 | 3 | 4 | 5
  /** Packages of npm. */
  readonly packages: readonly string[]
  /** Packages of which it may name the types. */
  readonly packageTypes?: readonly string[]
  readonly builtins: 'none that reach the world' | 'any'
  /** Rooms of its own floor: their types only, or anything. */
  readonly neighbours: 'none' | 'types' | 'any'
}

const contract: Room = {
  floor: 2,
  packages: [],
  packageTypes: ['zod'],
  builtins: 'none that reach the world',
  neighbours: 'types',
}
const engine: Room = { ...contract, floor: 3, neighbours: 'none' }
const adapter = (...packages: readonly string[]): Room => ({
  floor: 4,
  packages,
  packageTypes: ['zod'],
  builtins: 'any',
  neighbours: 'none',
})
const top: Room = {
  floor: 5,
  packages: ['pg', 'knex', 'kafkajs', '@platformatic/kafka', 'zod', 'pino', 'commander'],
  builtins: 'any',
  neighbours: 'any',
}

/** The rooms of `src/`. A room that is not named here does not exist: add it with its floor. */
export const house: Readonly<Record<string, Room>> = {
  kernel: { floor: 0, packages: [], builtins: 'any', neighbours: 'none' },
  message: { floor: 1, packages: ['zod'], builtins: 'none that reach the world', neighbours: 'none' },
  outbox: contract,
  inbox: contract,
  transport: contract,
  timer: contract,
  audit: contract,
  relay: engine,
  saga: { ...engine, packages: ['zod'] }, // `saga.start` is a contract of its own
  postgres: adapter('pg', 'knex'),
  'kafka/kafkajs': adapter('kafkajs'),
  'kafka/platformatic': adapter('@platformatic/kafka'),
  telemetry: adapter(), // Prometheus’s text format, over node:http
  runtime: top,
  cli: top,
  testing: top,
  'index.ts': top,
}

/** Built-in modules of Node by which a file reaches beyond its process, or tells the time. */
const reachesTheWorld = new Set(
  'fs fs/promises net http http2 https tls dns dns/promises dgram child_process cluster worker_threads process readline sqlite inspector repl vm v8 wasi'.split(
    ' ',
  ),
)

/** Migrations are frozen history which the runner on floor 4 and those above may read; nobody else. */
const readsMigrations = (room: string): boolean => room === 'postgres' || house[room]?.floor === 5

/** The room of a file of `src/`. A driver of Kafka is a room of its own. */
function roomOf(path: string): string {
  const [, first = '', second = ''] = path.split('/')
  return first === 'kafka' ? `kafka/${second}` : first
}

/** The path of a relative import from the root of the repository. */
export function resolved(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier)
}

/** The name of a package without its subpath. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** Whether an import names a built-in module of Node. */
export function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier)
}

/** What is wrong with the imports of the files of `src/`, a line each. */
export function floorViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const name = roomOf(path)
    const room = house[name]
    if (!room) return [`${path}: there is no room ${name} in the house`]
    return importsOf(text).flatMap(({ specifier, typeOnly, line }) => {
      const why = specifier.startsWith('.')
        ? whyNotFile(name, room, resolved(path, specifier), typeOnly)
        : whyNotPackage(room, specifier, typeOnly)
      return why === undefined ? [] : [`${path}:${line}: ${name} must not import ${specifier}: ${why}`]
    })
  })
}

function whyNotFile(name: string, room: Room, target: string, typeOnly: boolean): string | undefined {
  if (target.startsWith('migrations/')) return readsMigrations(name) ? undefined : 'migrations are not for it'
  if (!target.startsWith('src/')) return 'it lies outside of src/'
  const other = roomOf(target)
  const neighbour = house[other]
  if (other === name || !neighbour) return undefined // a file in no room is told once, as such
  if (neighbour.floor > room.floor)
    return `${other} is on floor ${neighbour.floor}, ${name} on floor ${room.floor}`
  if (neighbour.floor < room.floor || room.neighbours === 'any') return undefined
  if (room.neighbours === 'types')
    return typeOnly ? undefined : `of a room on its own floor it may import types only`
  return 'they are on the same floor'
}

function whyNotPackage(room: Room, specifier: string, typeOnly: boolean): string | undefined {
  if (isBuiltin(specifier)) {
    const world = reachesTheWorld.has(specifier.replace(/^node:/, ''))
    return world && room.builtins !== 'any' && !typeOnly
      ? 'floors 1 to 3 reach the world through ports only'
      : undefined
  }
  const name = packageOf(specifier)
  if (room.packages.includes(name) || (typeOnly && room.packageTypes?.includes(name))) return undefined
  return `the packages it may import are ${[...room.packages, ...(room.packageTypes ?? []).map((it) => `${it} (types)`)].join(', ') || 'none'}`
}
