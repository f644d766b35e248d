import { z } from 'zod'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'

/** The parts of JSON Schema that say what a value looks like. */
type Schema = {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly minItems?: number
  readonly minLength?: number
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly format?: string
}

const formats: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-4000-8000-000000000000',
  date: '2001-01-01',
  time: '00:00:00',
  'date-time': '2001-01-01T00:00:00Z',
  email: 'a@example.com',
  uri: 'https://example.com',
  ipv4: '127.0.0.1',
  duration: 'PT1S',
}

/**
 * A small value that fits a schema. Schemas with rules that JSON Schema cannot say (patterns, refinements) need a sample of the user’s.
 *
 * @param place names the sample in the error: `samples.reserve.ok`
 * @throws `CONFIG_INVALID` where the value that was found does not fit
 */
export function sampleBody(schema: z.ZodType, place: string): unknown {
  try {
    const sample = sampleOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema)
    schema.parse(sample)
    return sample
  } catch (cause) {
    throw new BackstitchError(
      'CONFIG_INVALID',
      `${place}: give a sample, none could be made up: ${reasonOf(cause)}`,
      {
        cause,
      },
    )
  }
}

function sampleOf(schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const [choice] = schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []
  if (choice !== undefined) return sampleOf(choice)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sampleOf(schema.properties?.[name] ?? {})]),
      )
    case 'array':
      return (
        schema.prefixItems?.map(sampleOf) ??
        Array.from({ length: schema.minItems ?? 0 }, () => sampleOf(schema.items ?? {}))
      )
    case 'string':
      return formats[schema.format ?? ''] ?? 'x'.repeat(Math.max(1, schema.minLength ?? 1))
    case 'integer':
    case 'number':
      return schema.exclusiveMinimum === undefined
        ? Math.max(1, schema.minimum ?? 1)
        : schema.exclusiveMinimum + 1
    case 'boolean':
      return true
    default:
      return null
  }
}
