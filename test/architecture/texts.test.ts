import { expect, test } from 'vitest'
import { filesBelow } from './source/files.ts'
import { textViolations } from './checks/texts.ts'

test('the texts of the repository name no package registry’s host and no path of one machine', () => {
  expect(textViolations(filesBelow())).toEqual([])
})

test.each([
  `see https://${['registry', 'npmjs', 'org'].join('.')}/pg`,
  `"$schema": "https://${['unpkg', 'com'].join('.')}/knip"`,
  `mvn -DremoteRepositories=https://${['repo', 'maven', 'apache', 'org'].join('.')}/maven2`,
  `https://${['www', 'npmjs', 'com'].join('.')}/package/pg`,
  `cd ${['', 'home', 'ann', 'backstitch'].join('/')}`,
  `"${['', 'Users', 'ann'].join('/')}"`,
  `(${['', 'root', '.cache'].join('/')})`,
])('the check refuses %s', (text) => {
  expect(textViolations([{ path: 'README.md', text }])).toHaveLength(1)
})

test.each([
  'http://maven.apache.org/POM/4.0.0',
  'npm install backstitch',
  'src/home/x',
  '/var/lib/postgresql',
  'https://kafka.apache.org/',
])('the check allows %s', (text) => {
  expect(textViolations([{ path: 'README.md', text }])).toEqual([])
})
