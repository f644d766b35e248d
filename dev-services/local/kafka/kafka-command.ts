import { join } from 'node:path'
import { findJava } from './java.ts'
import { kafkaJars } from './kafka-jars.ts'

const LOG_SETTINGS = new URL('log4j2.properties', import.meta.url)

/** Starts light and collects serially: for tools, and for brokers that must be up soon. */
export const FAST_START_FLAGS: readonly string[] = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Xshare:auto',
]

/** The flags of Kafka's own start scripts. */
export const THROUGHPUT_FLAGS: readonly string[] = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
]

/** How to run a class of Kafka's jars: `java`, then the flags of the JVM, then `base`, the class and its arguments. */
export interface KafkaCommand {
  java: string
  base: string[]
}

/** Finds Java and the jars, downloading these at first use. @throws Error naming what is missing. */
export async function kafkaCommand(log: (line: string) => void): Promise<KafkaCommand> {
  const [java, jars] = await Promise.all([findJava(), kafkaJars(log)])
  return {
    java,
    base: [
      `-Dlog4j2.configurationFile=${LOG_SETTINGS.href}`,
      '-Djava.awt.headless=true',
      '-XX:-UsePerfData', // no counter files outside the run's folder
      '-cp',
      join(jars, '*'),
    ],
  }
}
