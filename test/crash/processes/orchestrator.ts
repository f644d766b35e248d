import { createOrchestrator } from 'backstitch'
import { terms } from '../part/part-settings.ts'
import { runPart } from '../part/run-part.ts'
import { sagas } from '../world/shop-sagas.ts'

await runPart((tools) => createOrchestrator({ ...tools, sagas, sessionTimeoutMs: terms.sessionTimeoutMs }))
