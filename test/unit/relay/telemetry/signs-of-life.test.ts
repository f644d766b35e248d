import { expect, test } from 'vitest'
import { SignsOfLife } from '../../../../src/relay/telemetry/signs-of-life.ts'

function living(): SignsOfLife {
  const signs = new SignsOfLife(1_000)
  signs.begin(0)
  return signs
}

test('who looks and saves is not stuck', () => {
  const signs = living()
  for (let now = 0; now <= 5_000; now += 500) {
    signs.note('looked', now)
    signs.note('saved', now)
    expect(signs.stall(now + 400)).toBeUndefined()
  }
})

test('who waits for Kafka is not stuck as long as it hears from it, well or not', () => {
  const signs = living()
  for (let now = 0; now <= 5_000; now += 900) {
    signs.note('published', now)
    signs.note('saved', now)
  }
  expect(signs.stall(5_400)).toBeUndefined()
})

test('who renews its lease and does nothing else is stuck', () => {
  const signs = living()
  signs.note('saved', 1_500)
  expect(signs.stall(1_000)).toBeUndefined()
  expect(signs.stall(1_501)).toMatch(/neither looked .* nor heard/)
})

test('who looks and does not save is stuck', () => {
  const signs = living()
  signs.note('looked', 1_500)
  expect(signs.stall(1_501)).toMatch(/has saved nothing/)
})
