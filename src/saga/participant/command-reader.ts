import type { RecordReading } from '../../inbox/record-reader.ts'
import { recordReader, type Route } from '../../inbox/record-reader.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Codec } from '../../message/codec.ts'
import type { BodyLimits } from '../../message/limits.ts'
import type { ReceivedMessage } from '../../message/message.ts'
import { quoted } from '../../message/storable-text.ts'
import { isAggregateType, topicOf } from '../../message/topic.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { CommandHandler } from './command-handler.ts'

/** What is read, and how. */
type CommandReaderOptions = {
  readonly service: string
  readonly handlers: readonly CommandHandler[]
  readonly topicPrefix: string
  readonly codec: Codec
  readonly limits: BodyLimits
}

/** The name of a step is part of a key, which Postgres limits to some 2,700 bytes. */
const stepLengthMax = 500

/**
 * Makes the function that reads the commands of a service. All that is on the topic is for this service, so a command without a handler is a
 * dead letter (`HANDLER_MISSING`), as is one whose reply could not be sent or whose step could not be recorded.
 *
 * @throws `CONFIG_INVALID` for two handlers of one contract, or a contract of another service
 */
export function commandReader(
  options: CommandReaderOptions,
): (record: ReceivedRecord) => RecordReading<CommandHandler> {
  const read = recordReader(routesOf(options), { ...options, unrouted: 'refuse' })
  return (record) => {
    const reading = read(record)
    if (reading.kind !== 'message') return reading
    const fault = faultOf(reading.message)
    if (fault === undefined) return reading
    const { id, type, version } = reading.message
    const error = new BackstitchError('MESSAGE_MALFORMED', `${type} v${version}: ${fault}`)
    return { kind: 'unreadable', id, type, error }
  }
}

function faultOf({ context: { saga, replyTo } }: ReceivedMessage): string | undefined {
  if (replyTo !== undefined && !isAggregateType(replyTo))
    return `the header reply-to holds ${quoted(replyTo)}`
  if (saga?.step === '') return 'the header saga-step is missing'
  if (saga !== undefined && saga.step.length > stepLengthMax)
    return `the header saga-step has more than ${stepLengthMax} characters`
  return undefined
}

function routesOf({
  handlers,
  service,
  topicPrefix,
}: CommandReaderOptions): readonly Route<CommandHandler>[] {
  const seen = new Set<string>()
  return handlers.map((target) => {
    const { aggregateType, name: type, version, request: schema } = target.contract
    const place = `${type} v${version}`
    if (target.contract.service !== service)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `handlers: ${place} is a command of ${target.contract.service}, not of ${service}`,
      )
    if (seen.has(place)) throw new BackstitchError('CONFIG_INVALID', `handlers: two of them handle ${place}`)
    seen.add(place)
    const topic = topicOf(aggregateType, topicPrefix)
    return { topic, aggregateType, type, version, schema, takesTombstones: false, target }
  })
}
