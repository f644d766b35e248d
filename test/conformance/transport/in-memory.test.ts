import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { transportConformance } from './suites/transport-conformance.ts'
import { harnessFor } from './transport-harness.ts'

const transport = inMemoryTransport()
let names = 0

const harness = harnessFor(() => ({
  transport,
  uniqueName: () => `name-${(names += 1)}`,
  deleteTopic: async (topic) => transport.deleteTopic(topic),
}))

transportConformance(harness)
