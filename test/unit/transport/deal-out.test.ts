import { describe, expect, test } from 'vitest'
import { dealOut } from '../../../src/transport/group/deal-out.ts'

const member = (memberId: string, ...topics: string[]) => ({ memberId, topics: new Set(topics) })

describe('dealing out partitions', () => {
  test('is even and does not depend on the order of members', () => {
    const partitionsOf = new Map([
      ['a', [0, 1, 2]],
      ['b', [0, 1]],
    ])
    const expected = [
      { memberId: 'm1', assignment: { a: [0, 2], b: [1] } },
      { memberId: 'm2', assignment: { a: [1], b: [0] } },
    ]
    expect(dealOut([member('m1', 'a', 'b'), member('m2', 'a', 'b')], partitionsOf)).toEqual(expected)
    expect(dealOut([member('m2', 'a', 'b'), member('m1', 'a', 'b')], partitionsOf)).toEqual(expected)
  })

  test('gives partitions to subscribers only', () => {
    const hands = dealOut(
      [member('old', 'a'), member('new', 'a', 'b')],
      new Map([
        ['a', [0, 1]],
        ['b', [0, 1]],
      ]),
    )
    expect(hands).toEqual([
      { memberId: 'new', assignment: { a: [0], b: [0, 1] } },
      { memberId: 'old', assignment: { a: [1] } },
    ])
  })

  test('leaves out topics without subscribers, and members without partitions have none', () => {
    expect(
      dealOut(
        [member('m', 'a')],
        new Map([
          ['a', []],
          ['b', [0]],
        ]),
      ),
    ).toEqual([{ memberId: 'm', assignment: {} }])
    expect(dealOut([], new Map([['a', [0]]]))).toEqual([])
  })
})
