import { type Token, tokenize } from './tokens.ts'

/** A declaration that a file exports. Re-exports from other files are none. */
export type Export = {
  readonly name: string
  /** Whether a comment of two stars stands right before it. */
  readonly documented: boolean
  readonly line: number
}

const keywords = new Set(
  'default declare abstract async function class interface type const let var enum'.split(' '),
)

/** Every export of a source, by name. Further overloads of a function count as documented with their first. */
export function exportsOf(source: string): Export[] {
  const tokens = tokenize(source)
  const found: Export[] = []
  let depth = 0
  tokens.forEach((token, i) => {
    if (token.kind === 'punctuation')
      depth += '({['.includes(token.text) ? 1 : ')}]'.includes(token.text) ? -1 : 0
    if (token.kind !== 'word' || token.text !== 'export' || depth !== 0) return
    const rest = tokens.slice(i + 1).filter(({ kind }) => kind !== 'comment')
    const opening = rest[0]?.text === 'type' ? rest[1]?.text : rest[0]?.text
    if (opening === '{' || opening === '*') {
      if (
        !rest
          .slice(0, rest.findIndex(({ kind }) => kind === 'string') + 1)
          .some(({ text }) => text === 'from')
      )
        found.push({ name: 'a list', documented: false, line: token.line })
      return
    }
    const name = rest.find(({ kind, text }) => kind === 'word' && !keywords.has(text))?.text ?? 'default'
    const documented =
      isDocumented(tokens, i) || found.some((earlier) => earlier.name === name && earlier.documented)
    found.push({ name, documented, line: token.line })
  })
  return found
}

function isDocumented(tokens: readonly Token[], exportAt: number): boolean {
  let i = exportAt - 1
  while (tokens[i]?.kind === 'comment' && tokens[i]?.text.startsWith('//')) i-- // a lint directive may stand between
  return tokens[i]?.kind === 'comment' && tokens[i]?.text.startsWith('/**') === true
}
