import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import packageFile from '../../package.json' with { type: 'json' }

const subpaths = Object.entries(packageFile.exports).flatMap(([subpath, target]) =>
  typeof target === 'string' ? [] : [{ subpath, source: target['backstitch-source'] }],
)

/** The names of an index, types marked as such. */
function namesOf(source: string): readonly string[] {
  return [...source.matchAll(/export (type )?\{([^}]*)\} from/g)].flatMap(([, allTypes, names]) =>
    (names ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => (allTypes === undefined || name.startsWith('type ') ? name : `type ${name}`)),
  )
}

describe.each(subpaths)('backstitch$subpath', ({ subpath, source }) => {
  const index = readFile(new URL(`../../${source}`, import.meta.url), 'utf8')

  // A name that goes or changes here breaks its users: it belongs into the changelog.
  test('exports what it did', async () => {
    const names = namesOf(await index)
    await expect(`${names.toSorted().join('\n')}\n`).toMatchFileSnapshot(
      `exports/${subpath === '.' ? 'index' : subpath.slice(2)}.txt`,
    )
    const values = Object.keys((await import(`backstitch${subpath.slice(1)}`)) as object)
    expect(values.toSorted()).toEqual(names.filter((name) => !name.startsWith('type ')).toSorted())
  })

  test('is made of explicit names alone', async () => {
    const rest = (await index)
      .replaceAll(/export (type )?\{[^}]*\} from '[^']+'/g, '')
      .replaceAll(/^\/\/.*$/gm, '')
    expect(rest.trim()).toBe('')
  })
})
