import { describe, expect, it } from 'vitest'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import { readStartRequest, startMessage } from '../../../../src/saga/start/start-message.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const definition = { name: 's', version: 3, orchestrator: 'main' } as SagaDefinition
const id = '01900000-0000-7000-8000-000000000001'

describe('startMessage', () => {
  it('goes to the orchestrator of the saga, under the business key', () => {
    const message = startMessage(definition, { id, key: 'k', input: { a: 1 } })
    expect(message).toMatchObject({
      aggregateType: 'main.saga',
      key: 'k',
      type: 'saga.start',
      version: 1,
      context: { correlationId: id },
    })
    expect(readStartRequest(message.body)).toEqual({ saga: 's', version: 3, key: 'k', id, input: { a: 1 } })
  })

  it('has an id of the name and the key alone, so that a second start is a duplicate', () => {
    const idOf = (name: string, key: string, version = 1, sagaId = id): string =>
      startMessage({ ...definition, name, version }, { id: sagaId, key, input: {} }).id
    expect(idOf('s', 'k', 2, '01900000-0000-7000-8000-000000000002')).toBe(idOf('s', 'k'))
    expect(new Set([idOf('s', 'k'), idOf('s', 'l'), idOf('t', 'k'), idOf('sk', '')]).size).toBe(4)
  })

  it('begins with the time of the business key where that has one, else with zero', () => {
    const start = (key: string): string => startMessage(definition, { id, key, input: {} }).id
    expect(start('0197f3a1-aaaa-7bbb-8ccc-000000000001')).toMatch(/^0197f3a1-aaaa-8/)
    expect(start('0197f3a1-aaaa-4bbb-8ccc-000000000001')).toMatch(/^00000000-0000-8/)
    expect(start('order 7')).toMatch(/^00000000-0000-8/)
  })

  it('refuses a body that is none', () => {
    for (const body of [null, {}, { saga: 's', version: 1, key: 'k', id: 'x', input: {} }])
      expect(codeThrownBy(() => readStartRequest(body))).toBe('MESSAGE_MALFORMED')
  })
})
