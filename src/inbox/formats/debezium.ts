import { readWireHeaders } from '../../message/wire-headers.ts'
import type { FormatTools, MessageFormat, WireContent } from './message-format.ts'

/** How a Debezium outbox event router was set up, where that is not its default. */
export type DebeziumOptions = {
  /** The header, or the field of the envelope, that the column `type` was placed in. Default `type`. */
  readonly type?: string
  /** The same of the version. Default `version`. */
  readonly version?: string
  /** Whether columns were placed in the envelope, so that the value is an object of `payload` and those columns. Default false. */
  readonly envelope?: boolean
}

/**
 * Records of Debezium’s outbox event router whose values went through Kafka Connect’s `JsonConverter`: with or without
 * `schemas.enable` (an object of `schema` and `payload` around each value and key), and with or without `table.expand.json.payload`
 * (the payload as JSON, or as a text that holds JSON). A router with the `StringConverter` writes the records of {@link standardFormat}.
 *
 * @example
 * createConsumer({ ..., formats: { 'outbox.event.order': debezium({ type: 'eventType' }) } })
 */
export function debezium(options: DebeziumOptions = {}): MessageFormat {
  const { type = 'type', version = 'version', envelope = false } = options
  const nameOf = (name: string): string => (name === type ? 'type' : name === version ? 'version' : name)
  return {
    read: (record, tools) => {
      const headers: [string, string][] = record.headers.map(([name, value]) => [
        nameOf(name),
        textOf(value, tools),
      ])
      let value = record.value === null ? nothing : unwrapped(tools.parseJson(record.value))
      if (envelope && isObject(value.content)) {
        const { payload = null, ...columns } = value.content
        for (const [name, column] of Object.entries(columns))
          if (column !== null) headers.push([nameOf(name), asText(column)])
        value = { content: payload, isBytes: value.isBytes }
      }
      const { contentType, ...fields } = readWireHeaders(headers)
      const key = record.key === null ? undefined : textOf(record.key, tools)
      return { ...fields, ...(key !== undefined && { key }), content: contentOf(value, contentType) }
    },
  }
}

/** What Connect’s converter had to convert. */
type Connected = { readonly content: unknown; readonly isBytes: boolean }

const nothing: Connected = { content: null, isBytes: false }

/** Takes off the envelope of `schemas.enable`, which has exactly these two fields. */
function unwrapped(value: unknown): Connected {
  if (!isObject(value) || !('schema' in value && 'payload' in value) || Object.keys(value).length !== 2)
    return { content: value, isBytes: false }
  const { schema, payload } = value
  return { content: payload, isBytes: isObject(schema) && schema['type'] === 'bytes' }
}

/** A text is what the column `payload` holds; anything else was expanded already. */
function contentOf({ content, isBytes }: Connected, contentType: string | undefined): WireContent {
  if (content === null) return { kind: 'none' }
  if (typeof content !== 'string') return { kind: 'body', body: content }
  const bytes = Buffer.from(content, isBytes ? 'base64' : 'utf8')
  return { kind: 'bytes', bytes, ...(contentType !== undefined && { contentType }) }
}

/** A key or header: plain, or a JSON text in quotes, or that in the envelope of a schema. */
function textOf(bytes: Buffer, { parseJson }: FormatTools): string {
  const plain = bytes.toString('utf8')
  if (!/^["{]/.test(plain)) return plain
  try {
    const parsed = parseJson(bytes)
    const { content } = unwrapped(parsed)
    return typeof parsed === 'string' || content !== parsed ? asText(content) : plain
  } catch {
    return plain
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
