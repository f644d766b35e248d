import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION } from '../../parameters.ts'
import { mavenJars } from '../maven-jars.ts'

const POM = fileURLToPath(new URL('../../pom.xml', import.meta.url))

/** The folder with Kafka's jars, Kafka Connect's among them; see {@link mavenJars}. */
export function kafkaJars(log: (line: string) => void): Promise<string> {
  return mavenJars(
    {
      name: 'Apache Kafka',
      version: KAFKA_VERSION,
      pom: POM,
      folder: `kafka-${KAFKA_VERSION}`,
      megabytes: 55,
    },
    log,
  )
}
