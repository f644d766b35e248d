import { describe, expect, test } from 'vitest'
import { packagesBehind } from './checks/entries.ts'
import { codeBelow, jsonOf } from './source/files.ts'

const manifest = jsonOf('package.json') as {
  exports: Record<string, string | { readonly 'backstitch-source': string }>
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  peerDependenciesMeta: Record<string, { readonly optional?: boolean }>
}
const optional = Object.keys(manifest.peerDependenciesMeta).filter(
  (name) => manifest.peerDependenciesMeta[name]?.optional,
)
const entries = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ subpath, file: target['backstitch-source'].replace('./', '') }],
)
/** Subpaths that one imports for the sake of an optional peer. */
const own: Record<string, readonly string[]> = {
  './kafkajs': ['kafkajs'],
  './platformatic': ['@platformatic/kafka'],
  './migrations': ['knex'],
}

describe('each subpath of the package needs no more than it says', () => {
  const files = codeBelow('src', 'migrations')
  const always = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].filter(
    (name) => !optional.includes(name),
  )

  test.each(entries)('$subpath', ({ subpath, file }) => {
    const allowed = [...always, ...(own[subpath] ?? [])]
    expect(packagesBehind(file, files).filter((name) => !allowed.includes(name))).toEqual([])
  })

  test('there are some, and optional peers', () => {
    expect(entries.map(({ subpath }) => subpath)).toContain('.')
    expect(optional).toEqual(expect.arrayContaining(['kafkajs', 'knex']))
  })
})

test('the check sees through files, types and dynamic imports', () => {
  const files = [
    { path: 'src/index.ts', text: `export type { A } from './a/a.ts'\nimport 'node:fs'` },
    { path: 'src/a/a.ts', text: `import type { Knex } from 'knex'\nconst k = () => import('../b.ts')` },
    { path: 'src/b.ts', text: `import { x } from '@scope/name/sub'\nimport './index.ts'` },
    { path: 'src/c.ts', text: `import 'kafkajs'` },
  ]
  expect(packagesBehind('src/index.ts', files)).toEqual(['@scope/name', 'knex'])
  expect(() => packagesBehind('src/d.ts', files)).toThrow('src/d.ts is not there')
})
