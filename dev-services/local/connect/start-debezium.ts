import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DebeziumServer, DebeziumSettings } from '../../settings.ts'
import { freePorts } from '../free-ports.ts'
import { GuardedServer } from '../guarded-server.ts'
import { kafkaCommand, THROUGHPUT_FLAGS } from '../kafka/kafka-command.ts'
import { debeziumJars } from './debezium-jars.ts'

const READY_WITHIN_MS = 120_000
const GRACE_MS = 8_000
const ANSWER_WITHIN_MS = 20_000

/**
 * Starts Kafka Connect as one distributed worker with Debezium's Postgres connector in its plugins: the values of the stock
 * `connect-distributed.properties`, and the heap and flags of the stock start script. The jars are downloaded at first use.
 *
 * @example
 * const debezium = await startDebezium({ brokers, log: console.log })
 * await debezium.connect('orders', { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector', ... })
 */
export async function startDebezium({
  brokers,
  properties = {},
  log = () => {},
}: DebeziumSettings): Promise<DebeziumServer> {
  const [{ java, base }, plugins] = await Promise.all([kafkaCommand(log), debeziumJars(log)])
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  // topics and a group of its own, so that a worker never takes up the connectors of one before it
  const name = `connect-${randomBytes(4).toString('hex')}`
  const worker = {
    'bootstrap.servers': brokers.join(','),
    'group.id': name,
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'true',
    'value.converter.schemas.enable': 'true',
    'offset.storage.topic': `${name}-offsets`,
    'offset.storage.replication.factor': '1',
    'config.storage.topic': `${name}-configs`,
    'config.storage.replication.factor': '1',
    'status.storage.topic': `${name}-status`,
    'status.storage.replication.factor': '1',
    'offset.flush.interval.ms': '10000',
    listeners: url,
    'plugin.path': plugins,
    ...properties,
  }
  const server = await GuardedServer.start({
    name: 'Kafka Connect',
    probe: async () => {
      const { ok } = await fetch(`${url}/connectors`, { signal: AbortSignal.timeout(1_000) })
      if (!ok) throw new Error('it does not answer yet')
    },
    readyWithinMs: READY_WITHIN_MS,
    order: {
      folderPrefix: join(tmpdir(), 'backstitch-connect-run-'),
      owner: undefined,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', TZ: 'UTC' },
      files: {
        'worker.properties': Object.entries(worker)
          .map(([key, value]) => `${key}=${value}\n`)
          .join(''),
      },
      steps: [],
      server: {
        path: java,
        args: [
          '-Xms256m',
          '-Xmx2g',
          ...THROUGHPUT_FLAGS,
          ...base,
          'org.apache.kafka.connect.cli.ConnectDistributed',
          '{folder}/worker.properties',
        ],
      },
      stopSignal: 'SIGTERM',
      graceMs: GRACE_MS,
    },
  })
  return {
    connect: async (connector, settings) => {
      const answer = await fetch(`${url}/connectors/${connector}/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(settings),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      if (!answer.ok) throw new Error(`Kafka Connect refused the connector: ${await answer.text()}`)
    },
    trouble: async (connector) => {
      const answer = await fetch(`${url}/connectors/${connector}/status`, {
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      })
      if (!answer.ok) return undefined
      const { connector: own, tasks } = (await answer.json()) as {
        connector: { state: string; trace?: string }
        tasks: { state: string; trace?: string }[]
      }
      return [own, ...tasks].find(({ state }) => state === 'FAILED')?.trace
    },
    pid: () => server.pid(),
    kill: (signal) => server.kill(signal),
    restart: () => server.restart(),
    stop: () => server.stop(),
  }
}
