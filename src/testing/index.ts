export {
  type InMemoryTransport,
  type InMemoryTransportOptions,
  inMemoryTransport,
} from '../transport/in-memory-transport.ts'
export { partitionOf } from '../transport/partition.ts'
export { type Exploration, type ExploreOptions, explore } from './explore/explore.ts'
export type { StepSamples } from './explore/answers.ts'
export { type Rehearsal, type RehearsedCommand, rehearse } from './rehearse/rehearse.ts'
