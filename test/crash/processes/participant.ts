import { createParticipant } from 'backstitch'
import { stockHandlers } from '../../../sagas/place-order/stock.ts'
import { terms } from '../part/part-settings.ts'
import { runPart } from '../part/run-part.ts'

await runPart((tools) =>
  createParticipant({
    ...tools,
    service: 'stock',
    handlers: stockHandlers,
    sessionTimeoutMs: terms.sessionTimeoutMs,
  }),
)
