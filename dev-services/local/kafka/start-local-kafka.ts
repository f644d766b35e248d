import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KAFKA_PROPERTIES } from '../../parameters.ts'
import { probeKafka } from '../../readiness/probe-kafka.ts'
import type { KafkaServer, KafkaSettings, OwnKafka, ProcessControl } from '../../settings.ts'
import { freePorts } from '../free-ports.ts'
import { GuardedServer, ServerFailedError } from '../guarded-server.ts'
import { newClusterId } from './cluster-id.ts'
import { FAST_START_FLAGS, kafkaCommand, THROUGHPUT_FLAGS } from './kafka-command.ts'

const READY_WITHIN_MS = 60_000
const GRACE_MS = 4_000
const ATTEMPTS_MAX = 3
const HEAP_MB = 512

/** Sets up a one-broker Kafka (KRaft) from its jars and starts it on free ports of 127.0.0.1. */
export async function startLocalKafka(
  settings: KafkaSettings,
  log: (line: string) => void,
): Promise<OwnKafka> {
  const command = await kafkaCommand(log)
  const clusterId = newClusterId()
  const first = await startNode(command, clusterId, settings, { id: 1 })
  const others: (KafkaServer & ProcessControl)[] = []
  return {
    ...first,
    stop: async () => {
      await Promise.all(others.map((other) => other.stop()))
      await first.stop()
    },
    addBroker: async () => {
      const { controllerPort } = first
      const other = await startNode(command, clusterId, settings, { id: others.length + 2, controllerPort })
      others.push(other)
      return other
    },
  }
}

/** `controllerPort`: of the first node, which alone is the controller; the first node itself chooses it. */
type Node = { readonly id: number; readonly controllerPort?: number }

async function startNode(
  { java, base }: Awaited<ReturnType<typeof kafkaCommand>>,
  clusterId: string,
  settings: KafkaSettings,
  node: Node,
): Promise<KafkaServer & ProcessControl & { readonly controllerPort: number }> {
  const heapMb = settings.heapMb ?? HEAP_MB
  const flags = settings.profile === 'throughput' ? THROUGHPUT_FLAGS : FAST_START_FLAGS
  const jvm = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`, ...flags, ...base]
  const tool = ['-Xmx128m', ...FAST_START_FLAGS, ...base, 'kafka.tools.StorageTool']
  for (let attempt = 1; ; attempt += 1) {
    const [port = 0, freePort = 0] = await freePorts(2)
    const controllerPort = node.controllerPort ?? freePort
    const broker = `127.0.0.1:${port}`
    try {
      const server = await GuardedServer.start({
        name: node.id === 1 ? 'Kafka' : `Kafka ${node.id}`,
        probe: () => probeKafka(broker, clusterId),
        readyWithinMs: READY_WITHIN_MS,
        order: {
          folderPrefix: join(tmpdir(), 'backstitch-kafka-run-'),
          owner: undefined,
          env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
          files: { 'server.properties': serverProperties(port, { ...node, controllerPort }, settings) },
          steps: [
            { path: java, args: [...tool, 'format', '-t', clusterId, '-c', '{folder}/server.properties'] },
          ],
          server: { path: java, args: [...jvm, 'kafka.Kafka', '{folder}/server.properties'] },
          stopSignal: 'SIGTERM',
          graceMs: GRACE_MS,
        },
      })
      return {
        brokers: [broker],
        origin: 'local',
        controllerPort,
        stop: () => server.stop(),
        pid: () => server.pid(),
        kill: (signal) => server.kill(signal),
        restart: () => server.restart(),
      }
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isPortTaken(error)) throw error
    }
  }
}

function serverProperties(
  port: number,
  { id, controllerPort }: Required<Node>,
  settings: KafkaSettings,
): string {
  const isController = id === 1
  const listener = `PLAINTEXT://127.0.0.1:${port}`
  const properties = {
    ...KAFKA_PROPERTIES,
    ...settings.properties,
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': String(id),
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: isController ? `${listener},CONTROLLER://127.0.0.1:${controllerPort}` : listener,
    'advertised.listeners': listener,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': '{folder}/data',
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ServerFailedError && /Address already in use|BindException/.test(error.message)
}
