import { afterAll, beforeAll, expect, test } from 'vitest'
import { errorCatalogue } from '../../../src/kernel/error-catalogue.ts'
import { defaultBodyLimits } from '../../../src/message/limits.ts'
import { type PageCode, pageCode } from './page-code.ts'

let code: PageCode
beforeAll(async () => {
  code = await pageCode('consumers')
})
afterAll(() => code.remove())

test('every block names its file', () => {
  expect(code.files.length).toBeGreaterThan(6)
  expect(code.files).toHaveLength(code.blocks)
})

test('the blocks compile', async () => {
  expect(await code.compile()).toEqual({ code: 0, output: '' })
})

test('codes and limits are those of the sources', () => {
  const codes = new Set(code.text.match(/\b(?:MESSAGE|HANDLER|UPCAST)_[A-Z_]+\b/g))
  expect(codes.size).toBeGreaterThan(3)
  for (const named of codes) expect(errorCatalogue).toHaveProperty(named)
  const { bytesMax, depthMax } = defaultBodyLimits
  expect(code.text).toContain(`${bytesMax.toLocaleString('en')} bytes, ${depthMax} levels`)
})
