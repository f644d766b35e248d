export {
  type InMemoryTransport,
  type InMemoryTransportOptions,
  inMemoryTransport,
} from '../transport/in-memory-transport.ts'
export { partitionOf } from '../transport/partition.ts'
