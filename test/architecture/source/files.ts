import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A file of the repository: its path from the root with slashes, and its text. */
export type SourceFile = { readonly path: string; readonly text: string }

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Folders that git does not keep: its own, and those of .gitignore. */
const notOurs = new Set([
  '.git',
  ...(readFileSync(`${root}.gitignore`, 'utf8').match(/^[^*\n]+(?=\/$)/gm) ?? []),
])
/** Files that are written by programs, and ignored by git as well. */
const notOursEither = /\.(tgz|log)$/

/** Folders that hold TypeScript of the project. */
export const codeFolders = ['src', 'migrations', 'sagas', 'demo', 'bench', 'dev-services', 'test'] as const

/** All files below a folder of the repository, what git ignores left out. Default: the whole of it. */
export function filesBelow(folder = ''): SourceFile[] {
  return readdirSync(root + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : filesBelow(path)
    // in a linked worktree .git is a file
    return entry.isFile() && !notOurs.has(entry.name) && !notOursEither.test(entry.name)
      ? [{ path, text: readFileSync(root + path, 'utf8') }]
      : []
  })
}

/** The TypeScript files below some folders. */
export function codeBelow(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap(filesBelow).filter(({ path }) => path.endsWith('.ts'))
}

/** A text file of the root as JSON. */
export function jsonOf(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(root + path, 'utf8')) as Record<string, unknown>
}
