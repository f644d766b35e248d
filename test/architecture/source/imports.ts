import { codeOf, type Token, tokenize } from './tokens.ts'

/** One import, re-export, dynamic import or `require` of a file. */
export type Import = {
  readonly specifier: string
  /** It is gone at run time: `import type`, `export type ... from`, `typeof import()` (but not `import { type A }`, which loads the module). */
  readonly typeOnly: boolean
  readonly line: number
}

/** Every import of a source, types and dynamic ones included. */
export function importsOf(source: string): Import[] {
  const code = codeOf(tokenize(source))
  return code.flatMap((token, i) => {
    if (token.kind !== 'word' || code[i - 1]?.text === '.') return []
    if (token.text === 'import') return importAt(code, i)
    if (token.text === 'export') return reExportAt(code, i)
    if (token.text === 'require' && code[i + 1]?.text === '(') return imported(code[i + 2], false)
    return []
  })
}

function importAt(code: readonly Token[], i: number): Import[] {
  const next = code[i + 1]
  if (next?.text === '.') return [] // import.meta
  // In an annotation, `import('x').Y` stands after a colon, a pipe and the like; only after `typeof` is it a type for sure.
  if (next?.text === '(') return imported(code[i + 2], code[i - 1]?.text === 'typeof')
  if (next?.kind === 'string') return imported(next, false)
  // `import type X`, `import type { X }`, but `import type from 'x'` and `import type, { X }` import a value of that name.
  const after = code[i + 2]
  const typeOnly =
    next?.text === 'type' && (after?.text === 'from' ? code[i + 3]?.text === 'from' : after?.text !== ',')
  return imported(sourceAfter(code, i), typeOnly)
}

function reExportAt(code: readonly Token[], i: number): Import[] {
  const typeOnly = code[i + 1]?.text === 'type'
  const opening = code[i + (typeOnly ? 2 : 1)]?.text
  if (opening !== '*' && opening !== '{') return []
  return imported(sourceAfter(code, i), typeOnly)
}

/** The string behind the `from` of the statement; none for `export { a }` of one's own. */
function sourceAfter(code: readonly Token[], i: number): Token | undefined {
  for (let k = i + 1; k < code.length; k++) {
    const token = code[k]
    if (token?.text === 'from' && code[k + 1]?.kind === 'string') return code[k + 1]
    if (token?.kind === 'string' || (token?.text === '}' && code[k + 1]?.text !== 'from')) return undefined
    if (k > i + 1 && (token?.text === 'import' || token?.text === 'export')) return undefined
  }
  return undefined
}

function imported(token: Token | undefined, typeOnly: boolean): Import[] {
  if (token?.kind !== 'string') return []
  return [{ specifier: token.text, typeOnly, line: token.line }]
}
