import { describe, expect, test } from 'vitest'
import { checkedAct } from '../../../src/audit/act.ts'
import type { Principal } from '../../../src/kernel/principal.ts'
import { codeThrownBy } from '../thrown-code.ts'

describe('an act', () => {
  test('by a name is one of a person; a principal stays what it is, without what else it carries', () => {
    expect(checkedAct({ actor: 'ann', reason: 'because' })).toEqual({
      actor: { id: 'ann', kind: 'person' },
      reason: 'because',
    })
    const service = { id: 'sweeper', kind: 'service', token: 'secret' } as Principal
    expect(checkedAct({ actor: service, reason: 'because' }).actor).toEqual({
      id: 'sweeper',
      kind: 'service',
    })
  })

  test.each(['', '  ', 'x'.repeat(1_001), 'a\0b', '\ud800', undefined as unknown as string])(
    'is refused with the reason %j',
    (reason) => {
      expect(codeThrownBy(() => checkedAct({ actor: 'ann', reason }))).toBe('REASON_MISSING')
    },
  )

  test.each(['', '\n', 'x'.repeat(1_001), undefined as unknown as string])(
    'is refused with the actor %j',
    (actor) => {
      expect(codeThrownBy(() => checkedAct({ actor, reason: 'r' }))).toBe('ACTOR_MISSING')
    },
  )
})
