import { FAST_START_FLAGS, kafkaCommand } from './local/kafka/kafka-command.ts'
import { runProgram } from './local/run-program.ts'

/** What {@link kafkaConsole} takes. */
export interface KafkaConsoleOptions {
  brokers: readonly string[]
  /** The console consumer's arguments, for example `['--topic', 't', '--from-beginning', '--max-messages', '1']`. */
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
export async function kafkaConsole(options: KafkaConsoleOptions): Promise<Buffer> {
  const { java, base } = await kafkaCommand(options.log ?? (() => {}))
  const flags = ['-Xmx256m', ...FAST_START_FLAGS, ...base]
  const consumer = [
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    '--bootstrap-server',
    options.brokers.join(','),
  ]
  const { code, stdout, stderr } = await runProgram(java, [...flags, ...consumer, ...options.args], {
    timeoutMs: options.timeoutMs ?? 30_000,
  })
  if (code !== 0)
    throw new Error(`the console consumer ended with ${code ?? 'a timeout'}: ${stderr.slice(-2_000)}`)
  return stdout
}
