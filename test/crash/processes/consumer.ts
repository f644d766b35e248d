import { createConsumer } from 'backstitch'
import { terms } from '../part/part-settings.ts'
import { runPart } from '../part/run-part.ts'
import { retry, tallyHandlers } from '../world/tally.ts'

await runPart((tools) =>
  createConsumer({
    ...tools,
    group: 'counting',
    handlers: tallyHandlers,
    retry,
    sessionTimeoutMs: terms.sessionTimeoutMs,
  }),
)
