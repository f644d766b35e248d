import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { configSchema, environmentSchema } from '../../../src/runtime/config/config-schema.ts'

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8')

type JsonSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
}

/** The paths of all options, `databases[].name`; what has several forms counts as one. */
function pathsOf(schema: JsonSchema, path: string): readonly string[] {
  if (schema.properties !== undefined && path !== 'kafka.sasl')
    return Object.entries(schema.properties).flatMap(([name, inner]) =>
      pathsOf(inner, path === '' ? name : `${path}.${name}`),
    )
  if (schema.items?.properties !== undefined) return pathsOf(schema.items, `${path}[]`)
  return [path]
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema

test.each(pathsOf(schema, ''))('docs/configuration.md explains %s', (path) => {
  expect(page).toContain(`\n| \`${path}\` |`)
})

test.each(Object.keys(environmentSchema.shape))('docs/configuration.md explains %s', (variable) => {
  expect(page).toContain(`\`${variable}\``)
})

test('docs/configuration.md explains nothing that is not there', () => {
  const known = new Set(pathsOf(schema, ''))
  const options = page.slice(page.indexOf('## Options'), page.indexOf('### Which parts'))
  const explained = [...options.matchAll(/^\| `([^`]+)` \|/gm)].map(([, path]) => path ?? '')
  expect(explained.filter((path) => !known.has(path) && path !== 'databases')).toEqual([])
})
