import { BackstitchError } from '../../kernel/errors.ts'
import { recordId } from '../../inbox/record-id.ts'
import type { Codec } from '../../message/codec.ts'
import { type BodyLimits, assertWithinLimits } from '../../message/limits.ts'
import { type HeaderFields, readWireHeaders } from '../../message/wire-headers.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import { readStartRequest, startMessageType, startMessageVersion } from '../start/start-message.ts'
import type { ReplyMessage, SagaMessage, SagaMessageHead, StartMessage } from './saga-message.ts'

/** How records are read. */
export type BodyReading = {
  readonly codec: Codec
  readonly limits: BodyLimits
  /** What the message was claimed as, where it is read again: of a record without an id it depends on the record’s timestamp. */
  readonly messageId?: string
}

/**
 * Reads a record of the orchestrator’s topics: a start, known by its type, or a reply. The body of a reply is validated later by the
 * machine, which knows the contract. Never throws.
 */
export function readSagaRecord(record: ReceivedRecord, reading: BodyReading): SagaMessage {
  let fields: HeaderFields | undefined
  try {
    fields = readWireHeaders(record.headers)
    return fields.type === startMessageType
      ? readStart(record, fields, reading)
      : readReply(record, fields, reading)
  } catch (failure) {
    const head = {
      id: reading.messageId ?? fields?.id ?? recordId(record),
      ...(fields?.type !== undefined && { type: fields.type }),
    }
    return { kind: 'unreadable', record, head, failure }
  }
}

function readStart(record: ReceivedRecord, fields: HeaderFields, reading: BodyReading): StartMessage {
  if (fields.version !== startMessageVersion)
    throw malformed(`${startMessageType} v${fields.version} is unknown here`)
  const request = readStartRequest(bodyOf(record, startMessageType, reading))
  return { kind: 'start', record, head: headOf(record, fields, reading), request }
}

function readReply(record: ReceivedRecord, fields: HeaderFields, reading: BodyReading): ReplyMessage {
  const { saga, outcome } = fields.context
  const owner = fields.type ?? 'a record without a type'
  if (!saga || saga.step === '') throw malformed(`${owner}: no header saga-id or saga-step`)
  if (outcome === undefined) throw malformed(`${owner}: no header outcome`)
  const body = bodyOf(record, owner, reading)
  return { kind: 'reply', record, head: headOf(record, fields, reading), saga, outcome, body }
}

function headOf(
  record: ReceivedRecord,
  { id, type, createdAtUs, context }: HeaderFields,
  { messageId }: BodyReading,
): SagaMessageHead {
  return {
    id: messageId ?? id ?? recordId(record),
    context,
    ...(type !== undefined && { type }),
    ...(createdAtUs !== undefined && { createdAtUs }),
  }
}

/** `null` where the record has no value. */
function bodyOf({ value }: ReceivedRecord, owner: string, { codec, limits }: BodyReading): unknown {
  if (value === null) return null
  // All that the depth counts is ASCII, which Latin-1 shows as it is. Only JSON has a depth that can be seen before it is read.
  const isJson = /[/+]json\b/.test(codec.contentType)
  assertWithinLimits(isJson ? value.toString('latin1') : '', value.length, limits, owner)
  return codec.decode(value, owner)
}

function malformed(what: string): BackstitchError {
  return new BackstitchError('MESSAGE_MALFORMED', what)
}
