export { kafkajs } from './transport.ts'
export type { KafkajsOptions } from './options.ts'
