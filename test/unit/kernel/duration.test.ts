import { expect, test } from 'vitest'
import { type Duration, durationMs } from '../../../src/kernel/duration.ts'
import { codeThrownBy } from '../thrown-code.ts'

test.each([
  ['200ms', 200],
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['2m', 120_000],
  ['1d', 86_400_000],
  ['0.5ms', 1],
] as const)('%s is %i ms', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each([
  '',
  '30',
  's',
  '30 s',
  ' 30s',
  '30s\n',
  '-1s',
  '+1s',
  '0s',
  '0.0001ms',
  '1e3s',
  '1w',
  '30S',
  'NaNs',
  'Infinitys',
  '٣s',
  `${'9'.repeat(20)}d`,
  `${'9'.repeat(400)}d`,
])('%j is refused', (text) => {
  expect(codeThrownBy(() => durationMs(text as Duration))).toBe('CONFIG_INVALID')
})

test('what is no text at all is refused too', () => {
  for (const value of [undefined, null, 30, {}, []])
    expect(codeThrownBy(() => durationMs(value as never))).toBe('CONFIG_INVALID')
})
