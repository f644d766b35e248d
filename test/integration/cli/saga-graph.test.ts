import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backstitch } from './backstitch-process.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backstitch-graph-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a definition is drawn, kept as data, and compared with what it was', async () => {
  const drawn = await backstitch(['saga', 'graph', 'place-order'])
  expect([drawn.code, drawn.err]).toEqual([0, ''])
  expect(drawn.out).toContain('s0["reserve<br/>stock.reserve v1"]')

  const kept = await backstitch(['saga', 'graph', 'place-order', '--json'])
  const file = join(folder, 'place-order.json')
  await writeFile(file, kept.out)
  const same = await backstitch(['saga', 'diff', 'place-order', file])
  expect([same.code, same.out]).toEqual([0, 'nothing changed\n'])

  await writeFile(file, kept.out.replaceAll('stock.reserve', 'stock.hold'))
  const other = await backstitch(['saga', 'diff', 'place-order', file])
  expect(other.code).toBe(3)
  expect(other.out).toMatch(/^pin +reserve +sent stock\.hold v1 .* and sends stock\.reserve v1/m)
  expect(other.out).toContain('Raise the version')
})

test('an unknown saga, an unknown version and a file that holds no graph are refused', async () => {
  const unknown = await backstitch(['saga', 'graph', 'nothing'])
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('SAGA_DEFINITION_UNKNOWN')])
  const version = await backstitch(['saga', 'graph', 'place-order', '--saga-version', '2'])
  expect(version.err).toContain('the configuration has v1')
  const file = join(folder, 'other.json')
  await writeFile(file, '{"a":1}')
  const other = await backstitch(['saga', 'diff', 'place-order', file])
  expect([other.code, other.err]).toEqual([2, expect.stringContaining('it is no graph')])
})
