import { z } from 'zod'
import type { MessageFormat } from '../../../../src/inbox/formats/message-format.ts'
import { recordReader, type Route } from '../../../../src/inbox/record-reader.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import type { ReceivedMessage } from '../../../../src/message/message.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'

export const placed: Route<string> = {
  topic: 'outbox.event.order',
  aggregateType: 'order',
  type: 'order.placed',
  version: 1,
  schema: z.object({ orderId: z.string(), total: z.int() }),
  takesTombstones: false,
  target: 'placed',
}

/** Reads a record by a format (default: the standard one): the message, or what became of it. */
export function readAs(
  record: ReceivedRecord,
  format?: MessageFormat,
  routes: readonly Route<string>[] = [placed],
): ReceivedMessage | { readonly code: string; readonly reason: string; readonly id: string } | 'skipped' {
  const formats = format && { [record.topic]: format }
  const limits = { bytesMax: 20_000, depthMax: 64 }
  const reading = recordReader(routes, {
    codec: jsonCodec,
    limits,
    unrouted: 'skip',
    ...(formats && { formats }),
  })(record)
  if (reading.kind === 'message') return reading.message
  if (reading.kind === 'skipped') return 'skipped'
  return { code: reading.error.code, reason: reading.error.message, id: reading.id }
}
