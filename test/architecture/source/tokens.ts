/** The smallest parts of TypeScript that the checks look at. Of a template only its literal pieces are one token each. */
export type Token = {
  readonly kind: 'word' | 'string' | 'template' | 'number' | 'regex' | 'punctuation' | 'comment'
  /** As it stands in the source; of a string what is between its quotes. */
  readonly text: string
  readonly line: number
}

/** After these words a slash begins a regular expression, not a division. */
const wordsBeforeValue = new Set(
  'return typeof case in of delete void throw new do else instanceof await yield'.split(' '),
)

const word = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy
const number = /\d[\w.]*/y
const blank = /\s+/y
const lineComment = /\/\/[^\n]*/y
const blockComment = /\/\*[^]*?\*\//y
const quoted = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y
const templatePiece = /(?:[^`\\$]|\\[^]|\$(?!\{))*/y

/**
 * Splits TypeScript into tokens, well enough for the checks of this folder: comments, strings, templates and regular expressions are told
 * from code, so that a word in a text never counts. (TypeScript 7 has no programming interface of its own to ask.)
 * @throws Error where the text is no TypeScript that it understands
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  /** For each open template the depth of braces inside its present expression. */
  const templates: number[] = []
  let at = 0
  let line = 1

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text !== undefined) at += text.length
    return text
  }
  const add = (kind: Token['kind'], text: string, raw = text): void => {
    tokens.push({ kind, text, line })
    line += raw.split('\n').length - 1
  }
  const endless = (what: string): Error =>
    new Error(`line ${line}: a ${what} without an end: ${source.split('\n')[line - 1]}`)
  const addTemplatePiece = (): void => {
    add('template', take(templatePiece) ?? '')
    if (source.startsWith('${', at)) {
      at += 2
      templates.push(0)
    } else if (source[at] === '`') at++
    else throw endless('template')
  }

  while (at < source.length) {
    const spaces = take(blank)
    if (spaces !== undefined) {
      line += spaces.split('\n').length - 1
      continue
    }
    const character = source[at] ?? ''
    if (source.startsWith('//', at)) add('comment', take(lineComment) ?? '')
    else if (source.startsWith('/*', at)) {
      const text = take(blockComment)
      if (text === undefined) throw endless('comment')
      add('comment', text)
    } else if (character === "'" || character === '"') {
      const text = take(quoted)
      if (text === undefined) throw endless('string')
      add('string', text.slice(1, -1), text)
    } else if (character === '`') {
      at++
      addTemplatePiece()
    } else if (character === '}' && templates.at(-1) === 0) {
      at++
      templates.pop()
      addTemplatePiece()
    } else if (character === '/' && regexMayBegin(tokens)) {
      const text = take(regex)
      if (text === undefined) throw endless('regular expression')
      add('regex', text)
    } else {
      const name = take(word)
      const digits = name === undefined ? take(number) : undefined
      if (name !== undefined) add('word', name)
      else if (digits !== undefined) add('number', digits)
      else {
        at++
        const depth = templates.at(-1)
        if (depth !== undefined && (character === '{' || character === '}'))
          templates[templates.length - 1] = depth + (character === '{' ? 1 : -1)
        add('punctuation', character)
      }
    }
  }
  if (templates.length > 0) throw endless('template')
  return tokens
}

/** The tokens without the comments. */
export function codeOf(tokens: readonly Token[]): Token[] {
  return tokens.filter(({ kind }) => kind !== 'comment')
}

function regexMayBegin(tokens: readonly Token[]): boolean {
  const [last, before] = tokens
    .filter(({ kind }) => kind !== 'comment')
    .slice(-2)
    .reverse()
  if (last === undefined) return true
  if (last.text === '!') return !endsValue(before) // else the mark that says `not null`
  if ('+-'.includes(last.text) && before?.text === last.text) return false // `n++ / 2`
  return !endsValue(last)
}

/** Whether a slash behind the token divides. */
function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false
  if (token.kind === 'word') return !wordsBeforeValue.has(token.text)
  return token.kind !== 'punctuation' || ')]}'.includes(token.text)
}
