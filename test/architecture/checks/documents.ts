import { posix } from 'node:path'
import type { SourceFile } from '../source/files.ts'

/** What a document may refer to. */
export type Referents = {
  /** All files of the repository. */
  readonly files: readonly SourceFile[]
  /** Names of npm scripts. */
  readonly scripts: readonly string[]
}

const folders = ['src', 'migrations', 'sagas', 'demo', 'bench', 'dev-services', 'test', 'docs']
const inlineCode = /`([^`\n]+)`/g
const link = /\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g
const npmRun = /npm run ([\w:-]+)/g

/** Paths, links and npm scripts that a document names and that do not exist, a line each. `<name>` and `*` stand for anything. */
export function brokenReferences(document: SourceFile, { files, scripts }: Referents): string[] {
  const paths = new Set(files.flatMap(({ path }) => [path, ...foldersAbove(path)]))
  const exists = (path: string): boolean => {
    const wanted = path.replace(/\/$/, '')
    if (!/[*<]/.test(wanted)) return paths.has(wanted)
    const source = wanted.replaceAll(/[.+()[\]]/g, String.raw`\$&`).replaceAll(/\*|<[^>]*>/g, '[^/]+')
    const pattern = new RegExp(`^${source}$`)
    return [...paths].some((it) => pattern.test(it))
  }
  const named = matches(document.text, inlineCode).filter((code) =>
    folders.some((folder) => code.startsWith(`${folder}/`)),
  )
  const linked = matches(document.text, link)
  const run = matches(document.text, npmRun).filter((script) => script !== '...')
  return [
    ...named.filter((path) => !exists(path)).map((path) => `${document.path}: there is no ${path}`),
    ...linked
      .filter((path) => !exists(posix.join(posix.dirname(document.path), path)))
      .map((path) => `${document.path}: the link to ${path} leads nowhere`),
    ...run
      .filter((script) => !scripts.includes(script))
      .map((script) => `${document.path}: there is no npm run ${script}`),
  ]
}

/** Identifiers in the second column of a glossary’s tables that the sources do not have, a line each. */
export function unknownTerms(glossary: SourceFile, files: readonly SourceFile[]): string[] {
  const sources = files.map(({ path, text }) => `${path}\n${text}`).join('\n')
  const cells = glossary.text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|')[2] ?? '')
  return cells
    .flatMap((cell) => matches(cell, inlineCode))
    .flatMap((code) => code.match(/[A-Za-z_][\w-]*/g) ?? [])
    .filter((name) => !sources.includes(name))
    .map((name) => `${glossary.path}: the sources know no ${name}`)
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found = '']) => found)
}

function foldersAbove(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
}
