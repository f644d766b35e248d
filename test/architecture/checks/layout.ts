import { codeOf, tokenize } from '../source/tokens.ts'
import { importsOf } from '../source/imports.ts'
import { exportsOf } from '../source/exports.ts'
import type { SourceFile } from '../source/files.ts'

const linesMax = 400
const filesMax = 14
const namesOfNothing = /^(utils?|common|helpers?|lib|misc)$/

/** Files that are too long, folders that hold too much, and names that say nothing, a line each. */
export function layoutViolations(files: readonly SourceFile[]): string[] {
  const folders = new Map<string, number>()
  for (const { path } of files) {
    const folder = path.slice(0, path.lastIndexOf('/'))
    folders.set(folder, (folders.get(folder) ?? 0) + 1)
  }
  return [
    ...[...folders]
      .filter(([, count]) => count > filesMax)
      .map(([folder, count]) => `${folder}: ${count} files`),
    ...files.flatMap(({ path, text }) => {
      const lines = text.replace(/\n$/, '').split('\n').length
      return lines > linesMax ? [`${path}: ${lines} lines`] : []
    }),
    ...files.flatMap(({ path }) => {
      const parts = path.replace(/\.ts$/, '').split('/')
      if (parts.some((part) => namesOfNothing.test(part))) return [`${path}: a name that says nothing`]
      return /^[a-z0-9]+([.-][a-z0-9]+)*$/.test(parts.at(-1) ?? '') ? [] : [`${path}: not in kebab-case`]
    }),
  ]
}

/** Exports without a comment of two stars, a line each. */
export function undocumentedExports(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    exportsOf(text)
      .filter(({ documented }) => !documented)
      .map(({ name, line }) => `${path}:${line}: ${name} has no docstring`),
  )
}

const mayReadEnvironment = /^src\/(runtime\/config[^/]*(\.ts|\/.*)|cli\/.*)$/

/** Uses of the console, and of the environment where no configuration is read, a line each. */
export function globalViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const code = codeOf(tokenize(text))
    const environment = !mayReadEnvironment.test(path)
    const used = code.flatMap(({ kind, text: word, line }, i) => {
      if (kind !== 'word' || code[i - 1]?.text === '.') return []
      if (word === 'console' && code[i + 1]?.text === '.') return [`${path}:${line}: the console`]
      const member = code[i + 1]?.text === '?' ? code[i + 3] : code[i + 2]
      return environment && word === 'process' && (member?.text === 'env' || code[i + 1]?.text === '[')
        ? [`${path}:${line}: the environment`]
        : []
    })
    const imported = importsOf(text)
      .filter(({ specifier }) => environment && /^(node:)?process$/.test(specifier))
      .map(({ line, specifier }) => `${path}:${line}: ${specifier}, which has the environment`)
    return [...used, ...imported]
  })
}
