import type { KafkaConfig } from 'kafkajs'
import type { Logger } from '../../kernel/logger.ts'
import type { Compression } from '../../transport/compression.ts'

/** How to reach the brokers. */
export type KafkajsOptions = {
  /** `host:port` of one or more brokers; the others are learned from them. */
  readonly brokers: readonly string[]
  /** The name under which the brokers’ logs and quotas know this process. Default `backstitch`. */
  readonly clientId?: string
  /** TLS: `true`, or the options of Node’s `tls.connect` (`ca`, `cert`, `key`, ...). Default: none. */
  readonly ssl?: KafkaConfig['ssl']
  /** SASL: mechanism and credentials, as kafkajs takes them. Default: none. */
  readonly sasl?: KafkaConfig['sasl']
  /**
   * How what is published is compressed: `gzip` or `zstd`; another one once the application has registered a codec for it with kafkajs.
   * Default: not at all.
   */
  readonly compression?: Compression
  /** How long one connection, TLS included, may take to come up. Default 3,000 ms. */
  readonly connectionTimeoutMs?: number
  /** How long a broker may take to answer one request. Default 10,000 ms. */
  readonly requestTimeoutMs?: number
  /** Where the driver’s and kafkajs’s own lines go. Default: nowhere. */
  readonly logger?: Logger
}
