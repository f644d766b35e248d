import { freePorts } from '../local/free-ports.ts'
import { IMAGES } from '../parameters.ts'
import { probeKafka } from '../readiness/probe-kafka.ts'
import type { KafkaServer, KafkaSettings } from '../settings.ts'
import { untilReady } from '../readiness/until-ready.ts'
import type { DockerEngine } from './find-docker-engine.ts'
import { kafkaContainerEnvironment } from './kafka-container-environment.ts'

const PULL_AND_START_WITHIN_MS = 5 * 60_000
const READY_WITHIN_MS = 60_000
const HEAP_MB = 512

/** Starts Kafka in a container; testcontainers removes it should this run be killed. */
export async function startDockerKafka(engine: DockerEngine, settings: KafkaSettings): Promise<KafkaServer> {
  const { GenericContainer, Wait } = await import('testcontainers') // heavy, and only needed with an engine
  // a broker tells its clients its own address, so the port outside must be known before it starts
  const [port = 0] = await freePorts(1)
  const broker = `${engine.portsHost}:${port}`
  const heapMb = settings.heapMb ?? HEAP_MB
  const container = await new GenericContainer(IMAGES.kafka)
    .withEnvironment({
      ...kafkaContainerEnvironment(broker, settings.properties),
      KAFKA_HEAP_OPTS: `-Xms${heapMb}m -Xmx${heapMb}m`,
    })
    .withExposedPorts({ container: 9092, host: port })
    // only that it runs at all: whether it is ready is asked from outside, as every client will
    .withWaitStrategy(Wait.forLogMessage(/./))
    .withStartupTimeout(PULL_AND_START_WITHIN_MS)
    .start()
  const stop = async (): Promise<void> => void (await container.stop())
  try {
    await untilReady('Kafka in Docker', READY_WITHIN_MS, () => probeKafka(broker))
  } catch (error) {
    await stop()
    throw error
  }
  return { brokers: [broker], origin: 'docker', stop }
}
