import { describe, expect, test } from 'vitest'
import { exportsOf } from './exports.ts'
import { importsOf } from './imports.ts'
import { codeOf, tokenize } from './tokens.ts'

const words = (source: string): string[] =>
  codeOf(tokenize(source))
    .filter(({ kind }) => kind === 'word')
    .map(({ text }) => text)

describe('tokens', () => {
  test.each<[string, string, string[]]>([
    ['comments', '/* Date */ a // Date\n/** Date */ b', ['a', 'b']],
    ['strings', `a('Date', "Date's", 'it\\'s Date')`, ['a']],
    [
      'templates, but not their expressions',
      'a(`Date ${b(`Date ${c}`)} Date ${{ d: { e } }} \\` $ {Date}`)',
      ['a', 'b', 'c', 'd', 'e'],
    ],
    ['regular expressions', 'a = /Date[/"`]/g; b.test(/x/); return /Date/', ['a', 'b', 'test', 'return']],
    ['divisions, which are none', 'a = b / c / d; (e) / f', ['a', 'b', 'c', 'd', 'e', 'f']],
    ['divisions of what was counted up', '(a++ / b) * c-- / d', ['a', 'b', 'c', 'd']],
    ['divisions of what is not null', 'a! / b / c[0]! / d; !/x/.test(e)', ['a', 'b', 'c', 'd', 'test', 'e']],
    ['numbers', 'a = 1_000n + 0xdeadbeef', ['a']],
  ])('words in %s do not count', (_, source, expected) => {
    expect(words(source)).toEqual(expected)
  })

  test('know their line', () => {
    expect(tokenize('a\n/*\n*/ b\n`\n${c}\n` d').map(({ text, line }) => [text, line])).toEqual([
      ['a', 1],
      ['/*\n*/', 2],
      ['b', 3],
      ['\n', 4],
      ['c', 5],
      ['\n', 5],
      ['d', 6],
    ])
  })

  test.each(["'a", '`a', '`a${b', '/* a', '= /a'])('without an end are said to be: %s', (source) => {
    expect(() => tokenize(source)).toThrow(/^line 1: /)
  })
})

describe('imports', () => {
  test.each<[string, string, boolean]>([
    [`import { a } from 'x'`, 'x', false],
    [`import a from "x"`, 'x', false],
    [`import * as a from 'x'`, 'x', false],
    [`import a, { type B } from 'x'`, 'x', false],
    [`import 'x'`, 'x', false],
    [`import { type A } from 'x'`, 'x', false],
    [`import type from 'x'`, 'x', false],
    [`import type { A } from 'x'`, 'x', true],
    [`import type A from 'x'`, 'x', true],
    [`import type from from 'x'`, 'x', true],
    [`import {\n  a, // from 'y'\n  b,\n} from 'x'`, 'x', false],
    [`import json from 'x' with { type: 'json' }`, 'x', false],
    [`export { a } from 'x'`, 'x', false],
    [`export * from 'x'`, 'x', false],
    [`export * as a from 'x'`, 'x', false],
    [`export type { A } from 'x'`, 'x', true],
    [`export type * from 'x'`, 'x', true],
    [`const a = await import('x')`, 'x', false],
    [`type A = typeof import('x')`, 'x', true],
    [`const a = require('x')`, 'x', false],
  ])('%s', (source, specifier, typeOnly) => {
    expect(importsOf(source)).toMatchObject([{ specifier, typeOnly }])
  })

  test.each([
    `// import 'x'`,
    `const a = "import { b } from 'x'"`,
    '`import "x"`',
    `import.meta.url + 'x'`,
    `a.import('x')`,
    `export const from = 'x'`,
    `export { a, b }\nconst c = 'x'`,
    `export function from() { return 'x' }`,
    `await import(name)`,
  ])('none in %s', (source) => {
    expect(importsOf(source)).toEqual([])
  })

  test('each of many', () => {
    const source = `import type { A } from 'a'\nexport { b } from 'b'\nexport { c }\nimport 'd'\nconst e = () => import('e')`
    expect(importsOf(source).map(({ specifier, line }) => [specifier, line])).toEqual([
      ['a', 1],
      ['b', 2],
      ['d', 4],
      ['e', 5],
    ])
  })
})

describe('exports', () => {
  test('know whether they are documented', () => {
    const source = `
/** A. */
export type A = { b: string }
/* no doc */
export const b = 1
/** C. */
// oxlint-disable-next-line no-console
export async function c(): void {}
// no doc
export abstract class D {}
/** Not the doc of e. */
const between = 1
export default function e() {}
/** F, with an overload. */
export function f(a: string): void
export function f(a: unknown): void {}
export function g(): void
export { h } from './h.ts'
export type { I } from './i.ts'
export * from './j.ts'
export { between }
const k = { export: 1 }
`
    expect(exportsOf(source).map(({ name, documented }) => [name, documented])).toEqual([
      ['A', true],
      ['b', false],
      ['c', true],
      ['D', false],
      ['e', false],
      ['f', true],
      ['f', true],
      ['g', false],
      ['a list', false],
    ])
  })
})
