import { kafkaConsole } from '../../../dev-services/index.ts'
import { kafkaBrokers } from '../../support/services.ts'

/** A record as Kafka’s own Java consumer printed it, byte for byte. */
export type ConsoleRecord = {
  readonly timestampMs: number
  /** In the order of the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly key: Buffer
  readonly value: Buffer | null
}

// Long enough to occur in no record of a test. The console consumer writes values as they are, so bytes that are no text pass too.
const field = '<|field|>'
const header = '<|header|>'
const end = '<|end|>'
const nothing = '<|null|>'

/** Reads the first records of a topic of one partition with the Java console consumer. */
export async function readByConsole(topic: string, count: number): Promise<ConsoleRecord[]> {
  const properties = {
    'print.timestamp': 'true',
    'print.headers': 'true',
    'print.key': 'true',
    'key.separator': field,
    'headers.separator': header,
    'line.separator': end,
    'null.literal': nothing,
  }
  const written = await kafkaConsole({
    brokers: kafkaBrokers(),
    args: [
      `--topic=${topic}`,
      '--partition=0',
      '--offset=earliest',
      `--max-messages=${count}`,
      ...Object.entries(properties).flatMap(([name, value]) => ['--formatter-property', `${name}=${value}`]),
    ],
  })
  return split(written, end).slice(0, -1).map(recordOf)
}

function recordOf(printed: Buffer): ConsoleRecord {
  const [timestamp, headers, key, ...rest] = split(printed, field)
  const [value] = rest
  if (!timestamp || !headers || !key || !value || rest.length > 1)
    throw new Error(`not four fields: ${printed.toString()}`)
  return {
    timestampMs: Number(/^CreateTime:(\d+)$/.exec(timestamp.toString())?.[1]),
    headers: split(headers, header).map((pair) => {
      const [name = '', ...text] = pair.toString().split(':')
      return [name, text.join(':')] as const
    }),
    key,
    value: value.equals(Buffer.from(nothing)) ? null : value,
  }
}

function split(bytes: Buffer, separator: string): Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, start)) {
    parts.push(bytes.subarray(start, at))
    start = at + separator.length
  }
  return [...parts, bytes.subarray(start)]
}
