import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { adminConformance } from './admin-conformance.ts'
import { handOverConformance } from './hand-over-conformance.ts'
import { publisherConformance } from './publisher-conformance.ts'
import { subscriberConformance } from './subscriber-conformance.ts'
import { harnessFor } from './transport-harness.ts'

const transport = inMemoryTransport()
let names = 0

const harness = harnessFor(() => ({
  transport,
  uniqueName: () => `name-${(names += 1)}`,
  deleteTopic: async (topic) => transport.deleteTopic(topic),
}))

publisherConformance(harness)
subscriberConformance(harness)
handOverConformance(harness)
adminConformance(harness)
