import { isBuiltin, packageOf, resolved } from './house.ts'
import { importsOf } from '../source/imports.ts'
import type { SourceFile } from '../source/files.ts'

/** What a folder beside `src/` may import. Each may import its own files. */
type Neighbour = {
  /** Other folders of the repository. */
  readonly folders: readonly string[]
  /** Whether it may import the package by its name. */
  readonly byName: boolean
  /** Packages of npm; `declared` means those of package.json. */
  readonly packages: readonly string[] | 'declared'
  /** Whether of those packages it may use no more than types. */
  readonly typesOnly?: boolean
}

const neighbours: Readonly<Record<string, Neighbour>> = {
  migrations: { folders: [], byName: false, packages: ['knex'], typesOnly: true },
  sagas: { folders: [], byName: true, packages: ['zod', 'pg', 'knex'] },
  demo: { folders: ['sagas', 'dev-services'], byName: true, packages: 'declared' },
  bench: { folders: ['sagas', 'dev-services'], byName: true, packages: 'declared' },
  'dev-services': { folders: [], byName: false, packages: 'declared' },
}

/** Folders beside `src/` whose imports are checked. */
export const outsideFolders: readonly string[] = Object.keys(neighbours)

/** What package.json says that matters here. */
export type Manifest = {
  readonly name: string
  /** Subpaths of `exports`. */
  readonly subpaths: readonly string[]
  /** Packages of any kind of dependency. */
  readonly packages: readonly string[]
}

/** What is wrong with the imports of the files outside of `src/`, a line each: they use the package as its users do. */
export function outsideViolations(files: readonly SourceFile[], manifest: Manifest): string[] {
  return files.flatMap(({ path, text }) => {
    const [folder = ''] = path.split('/')
    const neighbour = neighbours[folder]
    if (!neighbour) return [`${path}: nothing is said of the folder ${folder}`]
    return importsOf(text).flatMap(({ specifier, typeOnly, line }) => {
      const why = specifier.startsWith('.')
        ? whyNotFile(folder, neighbour, resolved(path, specifier))
        : whyNotPackage(neighbour, specifier, typeOnly, manifest)
      return why === undefined ? [] : [`${path}:${line}: ${specifier}: ${why}`]
    })
  })
}

function whyNotFile(folder: string, neighbour: Neighbour, target: string): string | undefined {
  const [other = ''] = target.split('/')
  if (other === folder || neighbour.folders.includes(other)) return undefined
  return other === 'src' && neighbour.byName
    ? 'import the package by its name'
    : `${folder}/ must not import from ${other}/`
}

function whyNotPackage(
  neighbour: Neighbour,
  specifier: string,
  typeOnly: boolean,
  manifest: Manifest,
): string | undefined {
  const name = packageOf(specifier)
  if (isBuiltin(specifier)) return neighbour.typesOnly && !typeOnly ? 'no built-in modules here' : undefined
  if (name === manifest.name) {
    if (!neighbour.byName) return 'it must not import the package'
    const subpath = `.${specifier.slice(name.length)}`
    return manifest.subpaths.includes(subpath) ? undefined : 'the package exports no such path'
  }
  const allowed = neighbour.packages === 'declared' ? manifest.packages : neighbour.packages
  if (!allowed.includes(name)) return `the packages it may import are ${allowed.join(', ')}`
  return neighbour.typesOnly && !typeOnly ? 'its types only' : undefined
}
