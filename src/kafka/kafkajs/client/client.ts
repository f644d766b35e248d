import { Kafka, logLevel, type RetryOptions } from 'kafkajs'
import { BackstitchError } from '../../../kernel/errors.ts'
import { silentLogger } from '../../../kernel/logger.ts'
import type { KafkajsOptions } from '../options.ts'
import { registerCodecs } from './codecs/compression.ts'
import { guardedSockets } from './guarded-sockets.ts'
import { heldJoins } from './held-joins.ts'
import { logTo } from './log-creator.ts'
import { quietRequestQueue } from './quiet-request-queue.ts'
import { tolerantMetadata } from './tolerant-metadata.ts'

/** One kafkajs client with sockets of its own. */
export type Client = {
  readonly kafka: Kafka
  /** Destroys its sockets for good and silences its log: see {@link guardedSockets}. */
  cutOff(): void
}

/**
 * A few quick tries: whoever uses a client has a deadline of its own and begins anew with a new client.
 * All fields are given, since kafkajs takes other defaults where `NODE_ENV` is `test`.
 */
export const quickRetry = {
  initialRetryTime: 100,
  maxRetryTime: 1_000,
  factor: 0.2,
  multiplier: 2,
  retries: 2,
} as const satisfies RetryOptions

/**
 * Makes clients. Each publisher, each member of a group and each admin gets one of its own: two consumers of a group that share one
 * also share kafkajs’s table of committed offsets, and each join of the one clears that of the other.
 *
 * @throws `CONFIG_INVALID` when no broker is given
 */
export function clientFactory(options: KafkajsOptions): () => Client {
  if (options.brokers.length === 0 || options.brokers.some((broker) => !/^[^:\s]+:\d+$/.test(broker))) {
    throw new BackstitchError(
      'CONFIG_INVALID',
      `brokers: [${options.brokers.join(', ')}] must be host:port each`,
    )
  }
  quietRequestQueue()
  heldJoins()
  tolerantMetadata()
  registerCodecs()
  const logger = options.logger ?? silentLogger
  return () => {
    let isCutOff = false
    const sockets = guardedSockets()
    const kafka = new Kafka({
      brokers: [...options.brokers],
      clientId: options.clientId ?? 'backstitch',
      ...(options.ssl !== undefined && { ssl: options.ssl }),
      ...(options.sasl !== undefined && { sasl: options.sasl }),
      connectionTimeout: options.connectionTimeoutMs ?? 3_000,
      requestTimeout: options.requestTimeoutMs ?? 10_000,
      // each try takes the next broker of the list
      retry: { ...quickRetry, retries: Math.max(quickRetry.retries, options.brokers.length) },
      socketFactory: sockets.socketFactory,
      logLevel: logLevel.INFO,
      logCreator: () => logTo(logger, () => isCutOff),
    })
    return {
      kafka,
      cutOff: () => {
        isCutOff = true
        sockets.cutOff()
      },
    }
  }
}
