import { expect, test } from 'vitest'
import { Parked } from '../../../../src/relay/quarantine/parked.ts'

test('a key is a pair of topic and key, and waits behind its own refused row before it waits for its topic', () => {
  const parked = new Parked()
  expect(parked.isEmpty).toBe(true)
  expect(parked.causeOf('t', 'k')).toBeUndefined()
  parked.parkTopic('t', 'it does not exist')
  expect(parked.causeOf('t', 'k')).toEqual({ code: 'OUTBOX_TOPIC_UNKNOWN', reason: 'it does not exist' })
  parked.parkKey('t', 'k')
  expect(parked.causeOf('t', 'k')?.code).toBe('OUTBOX_KEY_PARKED')
  expect(parked.causeOf('t', 'other')?.code).toBe('OUTBOX_TOPIC_UNKNOWN')
  expect(parked.causeOf('tk', '')).toBeUndefined()
  expect([parked.keyCount, parked.topics]).toEqual([1, ['t']])
  parked.releaseTopic('t')
  expect(parked.isEmpty).toBe(false)
  parked.releaseKey('t', 'k')
  expect(parked.isEmpty).toBe(true)
})
