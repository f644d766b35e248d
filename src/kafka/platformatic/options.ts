import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { Logger } from '../../kernel/logger.ts'
import type { Compression } from '../../transport/compression.ts'

/** Who this client is to the brokers. */
export type PlatformaticSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  /** A token, or a function that has a fresh one each time a connection is made or must prove itself again. */
  | { readonly mechanism: 'oauthbearer'; readonly token: string | (() => string | Promise<string>) }

/** How to reach the brokers. */
export type PlatformaticOptions = {
  /** `host:port` of one or more brokers; the others are learned from them. */
  readonly brokers: readonly string[]
  /** The name under which the brokers’ logs and quotas know this process. Default `backstitch`. */
  readonly clientId?: string
  /** TLS: `true`, or the options of Node’s `tls.connect` (`ca`, `cert`, `key`, ...). Default: none. */
  readonly ssl?: boolean | TlsOptions
  /** SASL: mechanism and credentials. Default: none. */
  readonly sasl?: PlatformaticSasl
  /** How what is published is compressed. Default: not at all. */
  readonly compression?: Compression
  /** How long one connection, TLS and SASL included, may take to come up. Default 3,000 ms. */
  readonly connectionTimeoutMs?: number
  /** How long a broker may take to answer one request. Default 10,000 ms. */
  readonly requestTimeoutMs?: number
  /** Where the driver’s lines go. Default: nowhere. */
  readonly logger?: Logger
}
