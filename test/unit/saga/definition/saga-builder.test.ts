import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { command } from '../../../../src/message/command.ts'
import { sagaBuilder } from '../../../../src/saga/definition/saga-builder.ts'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import { createSagaBuilder } from '../../../../src/saga/definition/startable-saga.ts'

const body = z.object({ id: z.string() })
const contract = (name: string) => command(name, { version: 1, key: ({ id }) => id, request: body, ok: body })
const work = { send: contract('work.do'), with: () => ({ id: 'w' }) }
const options = { version: 3, input: body, key: ({ id }: { id: string }) => id, orchestrator: 'shop' }

describe('sagaBuilder', () => {
  test('gives the steps in their order and phases', () => {
    const definition = sagaBuilder('s', options)
      .step('a', { ...work, undo: { send: contract('work.undo'), with: ({ request }) => request } })
      .pivot('b', work)
      .retriable('c', work)
      .build()
    expect(definition).toMatchObject({ name: 's', version: 3, orchestrator: 'shop', input: body })
    expect(definition.steps.map(({ name, phase }) => `${phase} ${name}`)).toEqual([
      'compensatable a',
      'pivot b',
      'retriable c',
    ])
    expect(definition.steps.map(({ undo }) => undo?.command.name)).toEqual([
      'work.undo',
      undefined,
      undefined,
    ])
  })

  test('continues a common beginning in two ways', () => {
    const beginning = sagaBuilder('s', options).step('a', work)
    const short = beginning.build()
    const long = beginning.pivot('b', work).build()
    expect(short.steps.map(({ name }) => name)).toEqual(['a'])
    expect(long.steps.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('createSagaBuilder', () => {
  const calls: { definition: SagaDefinition; tx: unknown; inputs: readonly unknown[] }[] = []
  const saga = createSagaBuilder(async (definition, tx, inputs) => {
    calls.push({ definition, tx, inputs })
    return inputs.map((_input, index) => `saga ${index}`)
  })
  const built = saga('s', options).step('a', work).build()
  const tx = { query: () => undefined }

  test('builds the same definition, which can be started', async () => {
    const definition = sagaBuilder('s', options).step('a', work).build()
    expect(built.hash).toBe(definition.hash)
    expect(await built.start(tx, { id: '1' })).toBe('saga 0')
    expect(calls).toHaveLength(1)
    expect(calls[0]?.definition.graph).toEqual(built.graph)
    expect(calls[0]?.tx).toBe(tx)
    expect(calls[0]?.inputs).toEqual([{ id: '1' }])
  })

  test('starts many with one call of the starter, and none without one', async () => {
    calls.length = 0
    expect(await built.startMany(tx, [{ id: '1' }, { id: '2' }])).toEqual(['saga 0', 'saga 1'])
    expect(await built.startMany(tx, [])).toEqual([])
    expect(calls).toHaveLength(1)
  })
})
