import { fileURLToPath } from 'node:url'
import { DEBEZIUM_VERSION } from '../../parameters.ts'
import { mavenJars } from '../maven-jars.ts'

const POM = fileURLToPath(new URL('pom.xml', import.meta.url))

/** A folder of Kafka Connect's plugins, in which Debezium's Postgres connector is the only one; see {@link mavenJars}. */
export function debeziumJars(log: (line: string) => void): Promise<string> {
  return mavenJars(
    {
      name: 'Debezium',
      version: DEBEZIUM_VERSION,
      pom: POM,
      folder: `debezium-${DEBEZIUM_VERSION}`,
      megabytes: 8,
      below: 'debezium-connector-postgres',
      excludeGroupIds: [
        'org.apache.kafka',
        'org.slf4j',
        'org.lz4',
        'org.xerial.snappy',
        'at.yawk.lz4',
        'com.github.luben',
      ],
    },
    log,
  )
}
