import { expect, test } from 'vitest'
import { jsonOf } from './source/files.ts'

// npm brings the Node that the scripts run on (the package `node`) by an install script. Where install scripts are blocked, everything would
// silently run on whatever Node the machine has.
test('the scripts run on the Node of package.json', () => {
  const { node } = jsonOf('package.json')['devDependencies'] as Record<string, string>
  expect(process.versions.node).toBe(node)
})

test('which is one that the package supports', () => {
  const { node } = jsonOf('package.json')['engines'] as Record<string, string>
  expect(node).toBe('>=22.18')
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  expect(major > 22 || (major === 22 && minor >= 18)).toBe(true)
})
