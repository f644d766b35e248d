import { createRelay } from 'backstitch'
import { terms } from '../part/part-settings.ts'
import { runPart } from '../part/run-part.ts'

await runPart(({ database, ...tools }) =>
  createRelay({ ...tools, databases: [database], leaseDurationMs: terms.leaseDurationMs }),
)
