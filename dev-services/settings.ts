/** How Postgres is to be run. Settings have no effect on a server taken from the environment. */
export interface PostgresSettings {
  /** Durable commits. Default true: tests kill processes and benches measure commits. */
  fsync?: boolean
  /** Further server parameters by name, for example `{ shared_buffers: '1GB' }`; they win over the defaults. */
  parameters?: Record<string, string>
  /** The folder of the programs of another installation, for a local server. Default: those that npm installed. */
  programsFolder?: string
}

/** How Kafka is to be run. Settings have no effect on a broker taken from the environment. */
export interface KafkaSettings {
  /**
   * `fast-start` (default) compiles lightly and collects serially: up a second sooner, slower under load.
   * `throughput` is the JVM as the stock start scripts set it up; benches use it.
   */
  profile?: 'fast-start' | 'throughput'
  /** Java heap in megabytes. Default 512. */
  heapMb?: number
  /** Further broker properties by name, for example `{ 'message.max.bytes': '2097152' }`; they win over the defaults. */
  properties?: Record<string, string>
}

/** What {@link startServices} takes. */
export interface ServicesOptions {
  /** True or settings: wanted. Default: wanted unless only `kafka` is asked for. */
  postgres?: boolean | PostgresSettings
  /** True or settings: wanted. Default: wanted unless only `postgres` is asked for. */
  kafka?: boolean | KafkaSettings
  /** Progress for people (first download, timings). Default: nothing is written. */
  log?: (line: string) => void
  /**
   * Never use servers of the environment or Docker, but local ones that belong to this run alone and can be killed,
   * frozen and restarted. Default false.
   */
  own?: boolean
}

/** Where a server came from. */
export type Origin = 'environment' | 'docker' | 'local'

/** A Postgres to use. */
export interface PostgresServer {
  /** `postgres://user:password@host:port/database`; the user may create databases. */
  url: string
  origin: Origin
  /** Ends the server if this run started it. */
  stop(): Promise<void>
}

/** A Kafka to use. */
export interface KafkaServer {
  /** `host:port` each. */
  brokers: string[]
  origin: Origin
  /** Ends the broker if this run started it. */
  stop(): Promise<void>
}

/** Power over a server that belongs to this run alone. */
export interface ProcessControl {
  /** The main process of the server, or undefined while it is down. */
  pid(): number | undefined
  /**
   * Sends a signal. SIGKILL, SIGSTOP and SIGCONT reach the server's own children too (the loss or the freeze of a
   * machine); SIGKILL resolves once the process is gone, other signals once sent.
   */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts the server again on its old port and data, after an orderly stop if it still runs; resolves when ready. */
  restart(): Promise<void>
}

/** A Kafka of this run alone, that can be more than one broker. */
export interface OwnKafka extends KafkaServer, ProcessControl {
  /** Starts one more broker of the cluster, without a vote in it; it ends with {@link KafkaServer.stop} of the first at the latest. */
  addBroker(): Promise<KafkaServer & ProcessControl>
}

/** The servers of a run. Reading one that was not asked for throws. */
export interface Services {
  readonly postgres: PostgresServer
  readonly kafka: KafkaServer
  /** Ends all that this run started. May be called twice. */
  stop(): Promise<void>
}

/** The servers of a run that asked for its own. */
export interface OwnServices extends Services {
  readonly postgres: PostgresServer & ProcessControl
  readonly kafka: OwnKafka
}

/** What {@link startDebezium} takes. */
export interface DebeziumSettings {
  /** The Kafka that it writes to and keeps its own topics on. */
  brokers: readonly string[]
  /** Further properties of the worker by name, for example `{ 'plugin.discovery': 'service_load' }`; they win over the stock ones. */
  properties?: Record<string, string>
  /** Progress for people (first download). Default: nothing is written. */
  log?: (line: string) => void
}

/** A Kafka Connect worker with Debezium, that belongs to this run alone. */
export interface DebeziumServer extends ProcessControl {
  /** Makes a connector, or changes it. @throws Error with the worker’s complaint */
  connect(name: string, settings: Readonly<Record<string, string>>): Promise<void>
  /** The stack trace of a connector or task that has failed. */
  trouble(name: string): Promise<string | undefined>
  stop(): Promise<void>
}
