import { expect, test } from 'vitest'
import { z } from 'zod'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import { validateBody } from '../../../src/message/validate.ts'

const owner = 'order.placed v1'

function refusalOf(schema: z.ZodType, body: unknown): BackstitchError {
  try {
    validateBody(schema, body, owner)
  } catch (thrown) {
    if (thrown instanceof BackstitchError) return thrown
    throw thrown
  }
  throw new Error('the body was taken')
}

test('gives what the schema returns', () => {
  expect(validateBody(z.object({ a: z.int().default(1) }), {}, owner)).toEqual({ a: 1 })
})

test('names every field and what is wrong with it, in words and for machines', () => {
  const schema = z.object({ lines: z.array(z.object({ sku: z.string() })), total: z.int() })
  const error = refusalOf(schema, { lines: [{ sku: 'a' }, {}], total: 'x' })
  expect(error.code).toBe('MESSAGE_INVALID')
  expect(error.message).toContain('order.placed v1: lines.1.sku: ')
  expect(error.message).toContain('; total: ')
  expect(error.details).toMatchObject({ issues: [{ path: 'lines.1.sku' }, { path: 'total' }] })
})

test('names the body itself where no field is to blame', () => {
  expect(refusalOf(z.object({}), 7).details).toMatchObject({ issues: [{ path: '(body)' }] })
})

test('names 20 of 100,000 faults', () => {
  const error = refusalOf(
    z.array(z.int()),
    Array.from({ length: 100_000 }, () => 'x'),
  )
  expect(error.details['issues']).toHaveLength(20)
  expect(error.message).toContain('; and 99980 more')
  expect(error.message.length).toBeLessThan(3_000)
})

test('a path with a symbol in it is told too', () => {
  const schema = z.unknown().superRefine((_, context) => {
    context.addIssue({ code: 'custom', message: 'no', path: [Symbol('inner'), 0] })
  })
  expect(refusalOf(schema, {}).message).toContain('Symbol(inner).0: no')
})

test('a recursive schema over a body nested 100,000 deep is a refusal, not a crash', () => {
  const Tree = z.object({
    get child() {
      return Tree.optional()
    },
  })
  let tree = {}
  for (let i = 0; i < 100_000; i++) tree = { child: tree }
  expect(refusalOf(Tree, tree).message).toContain('order.placed v1: ')
})

test('a check that throws or cannot be run at once refuses the body and keeps the cause', () => {
  const broken = z.string().refine(() => {
    throw new TypeError('oops')
  })
  expect(refusalOf(broken, 'a')).toMatchObject({ code: 'MESSAGE_INVALID', cause: { message: 'oops' } })
  expect(
    refusalOf(
      z.string().refine(() => Promise.resolve(true)),
      'a',
    ).code,
  ).toBe('MESSAGE_INVALID')
})
