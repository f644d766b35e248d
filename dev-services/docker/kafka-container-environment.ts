import { KAFKA_PROPERTIES } from '../parameters.ts'

/**
 * The environment that makes the image a one-broker KRaft cluster for clients at `advertised` (`host:port`). The
 * broker talks to itself over a listener of its own, since `advertised` may mean nothing inside the container.
 */
export function kafkaContainerEnvironment(
  advertised: string,
  properties: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const all: Record<string, string> = {
    ...KAFKA_PROPERTIES,
    ...properties,
    'node.id': '1',
    'process.roles': 'broker,controller',
    listeners: 'CLIENTS://:9092,INTERNAL://:29092,CONTROLLER://:29093',
    'advertised.listeners': `CLIENTS://${advertised},INTERNAL://localhost:29092`,
    'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': '1@localhost:29093',
    'log.dirs': '/tmp/kraft-combined-logs',
  }
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`KAFKA_${name.replaceAll('.', '_').toUpperCase()}`, value]),
  )
}
