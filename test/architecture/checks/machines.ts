import { isBuiltin, resolved } from './house.ts'
import { importsOf } from '../source/imports.ts'
import { codeOf, tokenize } from '../source/tokens.ts'
import type { SourceFile } from '../source/files.ts'

const impureWords = new Set(
  'Date Promise async await setTimeout setInterval setImmediate queueMicrotask process crypto performance fetch console globalThis require'.split(
    ' ',
  ),
)

/** Packages that compute and do nothing else. */
const purePackages = new Set(['zod'])

/**
 * What is wrong with the files named `*-machine.ts`, a line each: they must be pure, `(state, input) -> (state, outputs)`. What they name is
 * looked at in the files themselves; what they load, in all that they import, types aside.
 */
export function machineViolations(files: readonly SourceFile[]): string[] {
  const texts = new Map(files.map(({ path, text }) => [path, text]))
  return files
    .filter(({ path }) => path.endsWith('-machine.ts'))
    .flatMap(({ path, text }) => [...impureNames(path, text), ...impureImports(path, texts)])
}

function impureNames(path: string, text: string): string[] {
  const code = codeOf(tokenize(text))
  return code.flatMap((token, i) => {
    const [before, after] = [code[i - 1]?.text, code[i + 1]?.text]
    if (token.kind !== 'word' || before === '.') return []
    const random = token.text === 'Math' && after === '.' && code[i + 2]?.text === 'random'
    if (!random && (!impureWords.has(token.text) || after === ':')) return []
    return [`${path}:${token.line}: a machine must not use ${random ? 'Math.random' : token.text}`]
  })
}

function impureImports(machine: string, texts: ReadonlyMap<string, string>): string[] {
  const seen = new Set([machine])
  const found: string[] = []
  for (const path of seen) {
    for (const { specifier, typeOnly } of importsOf(texts.get(path) ?? '')) {
      if (typeOnly) continue
      if (specifier.startsWith('.')) {
        if (!texts.has(resolved(path, specifier)))
          found.push(`${machine}: loads ${specifier}, which is not there`)
        else seen.add(resolved(path, specifier)) // a set visits what is added while it is walked
      } else if (isBuiltin(specifier) || !purePackages.has(specifier))
        found.push(`${machine}: loads ${specifier}${path === machine ? '' : ` through ${path}`}`)
    }
  }
  return found
}
