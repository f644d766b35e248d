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

  it('has an id of the saga that it is to begin, and its time: the same when it is written again, another for another start', () => {
    const idOf = (sagaId: string): string => startMessage(definition, { id: sagaId, key: 'k', input: {} }).id
    expect(idOf(id)).toBe(idOf(id))
    expect(idOf(id)).toMatch(/^01900000-0000-8/)
    expect(idOf('01900000-0000-7000-8000-000000000002')).not.toBe(idOf(id))
  })

  it('refuses a body that is none', () => {
    for (const body of [null, {}, { saga: 's', version: 1, key: 'k', id: 'x', input: {} }])
      expect(codeThrownBy(() => readStartRequest(body))).toBe('MESSAGE_MALFORMED')
  })
})
