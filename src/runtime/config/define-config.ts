import type { z } from 'zod'
import type { configSchema } from './config-schema.ts'

/** What `backstitch.config.ts` may hold; see docs/configuration.md for every option with its default. */
export type ConfigInput = z.input<typeof configSchema>

/**
 * Types the configuration of the processes. It is validated where it is loaded, together with the environment and the flags.
 *
 * @example
 * // backstitch.config.ts
 * import { defineConfig } from 'backstitch'
 * import { placeOrder } from './sagas/place-order.ts'
 *
 * export default defineConfig({
 *   databases: [{ name: 'orders' }, { name: 'stock', parts: ['outbox', 'inbox', 'participant'] }], // DATABASE_URL_ORDERS, DATABASE_URL_STOCK
 *   orchestrator: { database: 'orders', sagas: [placeOrder] },
 * })
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
