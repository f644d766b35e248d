import { FAST_START_FLAGS, kafkaCommand } from './local/kafka/kafka-command.ts'
import { runProgram } from './local/run-program.ts'

/** What {@link kafkaConsole} and {@link kafkaConsoleProducer} take. */
export interface KafkaConsoleOptions {
  brokers: readonly string[]
  /** The arguments, for example of the consumer `['--topic', 't', '--from-beginning', '--max-messages', '1']`. */
  args: readonly string[]
  /** The whole run, the JVM's start included, ends with SIGKILL after this long. Default 30 s. */
  timeoutMs?: number
  /** Progress, should the jars have to be downloaded first. */
  log?: (line: string) => void
}

/**
 * Runs Kafka's own Java console consumer and returns the bytes it wrote: an independent witness of what is on the
 * wire. Deprecated options (`--property`; now `--formatter-property`) would put a warning among the bytes. Give it `--max-messages` or `--timeout-ms` (and leave time for the group to form), so that it ends.
 * @throws Error when there is no Java, or with the consumer's complaint when it fails.
 */
export function kafkaConsole(options: KafkaConsoleOptions): Promise<Buffer> {
  return runConsole('org.apache.kafka.tools.consumer.ConsoleConsumer', options)
}

/**
 * Runs Kafka's own Java console producer over lines of text, each of which becomes a record as its `--reader-property` arguments say.
 * @throws Error when there is no Java, or with the producer's complaint when it fails.
 */
export async function kafkaConsoleProducer(options: KafkaConsoleOptions & { lines: string }): Promise<void> {
  await runConsole('org.apache.kafka.tools.ConsoleProducer', options, options.lines)
}

async function runConsole(tool: string, options: KafkaConsoleOptions, input?: string): Promise<Buffer> {
  const { java, base } = await kafkaCommand(options.log ?? (() => {}))
  const flags = ['-Xmx256m', ...FAST_START_FLAGS, ...base]
  const args = [tool, '--bootstrap-server', options.brokers.join(','), ...options.args]
  const { code, stdout, stderr } = await runProgram(java, [...flags, ...args], {
    timeoutMs: options.timeoutMs ?? 30_000,
    ...(input !== undefined && { input }),
  })
  if (code !== 0) throw new Error(`${tool} ended with ${code ?? 'a timeout'}: ${stderr.slice(-2_000)}`)
  return stdout
}
