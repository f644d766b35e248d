import { readWireHeaders } from '../../message/wire-headers.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import { cloudEvent, cloudEventMode } from './cloud-events.ts'
import type { MessageFormat, WireContent } from './message-format.ts'
import { headerText } from './wire-text.ts'

/**
 * Records of backstitch and of Debezium’s outbox event router (headers `id`, `type`, …), and those that say themselves that they are
 * CloudEvents. A record with a header `type` is one of ours, whatever other headers it has.
 */
export const standardFormat: MessageFormat = {
  typeOf: (record) => headerText(record, 'type') ?? headerText(record, 'ce_type'),
  read: (record, tools) => {
    const mode = cloudEventMode(record)
    if (mode !== undefined) return cloudEvent(record, mode, tools)
    const fields = readWireHeaders(record.headers)
    // Each record of each group comes through here, and a copy of the fields would cost more than the rest of it.
    return Object.assign(fields, { content: contentOf(record, fields.contentType) })
  },
}

function contentOf({ value }: ReceivedRecord, contentType: string | undefined): WireContent {
  if (value === null) return { kind: 'none' }
  return { kind: 'bytes', bytes: value, ...(contentType !== undefined && { contentType }) }
}
