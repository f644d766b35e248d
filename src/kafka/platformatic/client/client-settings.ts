import { isIP } from 'node:net'
import type { Broker, ConnectionOptions, SASLOptions } from '@platformatic/kafka'
import { BackstitchError } from '../../../kernel/errors.ts'
import { BrokerHealth } from './broker-health.ts'
import type { PlatformaticOptions, PlatformaticSasl } from '../options.ts'

/** What all connections of a transport have in common. */
export type ClientSettings = {
  readonly clientId: string
  readonly brokers: readonly Broker[]
  /** What is known of brokers that fail. */
  readonly health: BrokerHealth
  readonly requestTimeoutMs: number
  /** The library’s options for a connection to a host. */
  connectionOptions(host: string): ConnectionOptions
}

/** Requests that one connection may have under way; the library’s own 5 would hold up what has limits of its own. */
const requestsUnderWayMax = 1_000

/** @throws `CONFIG_INVALID` when the brokers are not `host:port` each */
export function clientSettings(options: PlatformaticOptions): ClientSettings {
  const brokers = options.brokers.map(brokerOf)
  if (brokers.length === 0) throw invalidBrokers(options.brokers)
  const requestTimeoutMs = options.requestTimeoutMs ?? 10_000
  const tls = options.ssl === true ? {} : options.ssl === false ? undefined : options.ssl
  const sasl = options.sasl && saslOf(options.sasl)
  return {
    clientId: options.clientId ?? 'backstitch',
    brokers,
    health: new BrokerHealth(),
    requestTimeoutMs,
    connectionOptions: (host) => ({
      connectTimeout: options.connectionTimeoutMs ?? 3_000,
      requestTimeout: requestTimeoutMs,
      maxInflights: requestsUnderWayMax,
      ...(tls && { tls }),
      // an address is no name that a certificate could be asked for by
      ...(tls && tls.servername === undefined && isIP(host) === 0 && { tlsServerName: host }),
      ...(sasl && { sasl }),
    }),
  }
}

/** Splits `host:port`, where the host may be `[2001:db8::1]`. @throws `CONFIG_INVALID` */
function brokerOf(broker: string, _index: number, all: readonly string[]): Broker {
  const [, bracketed, plain, port] = /^(?:\[([^\]\s]+)\]|([^:\s]+)):(\d+)$/.exec(broker) ?? []
  const host = bracketed ?? plain
  if (host === undefined || port === undefined) throw invalidBrokers(all)
  return { host, port: Number(port) }
}

function invalidBrokers(brokers: readonly string[]): BackstitchError {
  return new BackstitchError('CONFIG_INVALID', `brokers: [${brokers.join(', ')}] must be host:port each`)
}

function saslOf(sasl: PlatformaticSasl): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') return { mechanism: 'OAUTHBEARER', token: sasl.token }
  const { mechanism, username, password } = sasl
  const names = {
    plain: 'PLAIN',
    'scram-sha-256': 'SCRAM-SHA-256',
    'scram-sha-512': 'SCRAM-SHA-512',
  } as const
  return { mechanism: names[mechanism], username, password }
}
