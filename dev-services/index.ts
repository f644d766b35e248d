export { kafkaConsole, type KafkaConsoleOptions, kafkaConsoleProducer } from './kafka-console.ts'
export { ServicesUnavailableError } from './services-unavailable-error.ts'
export { startDebezium } from './local/connect/start-debezium.ts'
export type {
  DebeziumServer,
  DebeziumSettings,
  KafkaServer,
  KafkaSettings,
  Origin,
  OwnServices,
  PostgresServer,
  PostgresSettings,
  ProcessControl,
  Services,
  ServicesOptions,
} from './settings.ts'
export { startServices } from './start-services.ts'
