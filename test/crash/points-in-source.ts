import { codeOf, tokenize } from '../architecture/source/tokens.ts'

/** What the template parameter `kind` stands for: consumers and participants share their worker. */
const kinds = ['consumer', 'participant']

/**
 * The points that a source file names. Each must be written out where it is reached (a literal, or a template that begins with `${kind}`).
 * @throws Error at a use of `reach` whose point cannot be read off
 */
export function pointsIn(path: string, source: string): string[] {
  const code = codeOf(tokenize(source))
  return code.flatMap(({ kind, text, line }, at) => {
    if (kind !== 'word' || text !== 'reach') return []
    const [open, first, ...rest] = code.slice(at + 1, at + 6)
    if (open?.text === '(' && first?.kind === 'string' && rest[0]?.text === ')') return [first.text]
    if (open?.text === '(' && first?.kind === 'template') {
      const [word, piece, close] = rest
      if (first.text === '' && word?.text === 'kind' && piece?.kind === 'template' && close?.text === ')')
        return kinds.map((name) => name + piece.text)
      if (rest[0]?.text === ')') return [first.text]
    }
    throw new Error(`${path}:${line}: the point that is reached here is not written out`)
  })
}
