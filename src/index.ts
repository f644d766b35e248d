// Messages and their contracts
export { command, type CommandContract, type Rejections } from './message/command.ts'
export { event, type EventContract, type MessageOptions } from './message/event.ts'
export { type Codec, jsonCodec } from './message/codec.ts'
export type { BodyLimits } from './message/limits.ts'
export type { TraceContext, TraceContextSource } from './message/trace-context.ts'
export type { Message, MessageContext, ReceivedMessage, SagaContext } from './message/message.ts'

// Writing
export { createOutbox, type OutboxOptions, type ServiceOutbox as Outbox } from './runtime/create-outbox.ts'
export type { BacklogLimit } from './outbox/backlog-guard.ts'
export type { NotBefore } from './outbox/due-time.ts'
export type { TransactionOf, TransactionSource } from './outbox/transaction-source.ts'
export type { TransactionRunner } from './outbox/transaction-runner.ts'
export type { EnqueueOptions, UnitOfWork } from './outbox/unit-of-work.ts'
export type { CallerTransaction } from './kernel/caller-transaction.ts'
export type { SqlExecutor, SqlRow } from './kernel/sql-executor.ts'
export { createNotifier } from './runtime/create-notifier.ts'
export type { WakeNotifier } from './postgres/wake/pg-wake-notifier.ts'

// Publishing
export { createRelay, type RelayDatabaseOptions, type RelayOptions } from './runtime/create-relay.ts'
export { adoptTopic, type TopicAdoption } from './runtime/adopt-topic.ts'
export type { OutboxStatus, Relay } from './relay/relay.ts'
export { createOutboxOperator } from './runtime/outbox-operator.ts'
export type { OutboxOperator } from './relay/operator/outbox-operator.ts'
export { createOutboxAdministrator } from './runtime/outbox-administrator.ts'
export type {
  AdoptionReport,
  AdoptOptions,
  OutboxAdministrator,
  ReshardOptions,
  ReshardReport,
} from './relay/ownership/outbox-administrator.ts'

// Reading
export { type ConsumerOptions, createConsumer } from './runtime/create-consumer.ts'
export {
  type BatchHandler,
  type EventHandler,
  type EventSubscription,
  on,
  type SubscriptionOptions,
} from './inbox/events/event-subscription.ts'
export { onBatch } from './inbox/events/on-batch.ts'
export type {
  BatchContext,
  Cause,
  HandlerContext,
  HandlerScope,
  ReceivedEvent,
  ReceivedTombstone,
} from './inbox/events/handler-context.ts'
export type { HandlerCall, Middleware } from './inbox/events/middleware.ts'
export { upcast, type Upcaster } from './inbox/events/upcaster.ts'
export type { RetryOrder } from './inbox/group-work.ts'
export type { HandlerRetry } from './inbox/handler-retry.ts'
export { neverRetry, retryLater } from './inbox/events/handler-verdict.ts'
export { debezium, type DebeziumOptions } from './inbox/formats/debezium.ts'
export { raw, type RawOptions } from './inbox/formats/raw.ts'
export type {
  FormatTools,
  MessageFormat,
  MessageFormats,
  WireContent,
  WireMessage,
} from './inbox/formats/message-format.ts'
export type { ReceivedRecord } from './transport/subscriber.ts'

export { createLetterOperator } from './runtime/operators/letter-operator.ts'
export type { LetterOperator } from './inbox/letters/operator/letter-operator.ts'
export { readLetterLine } from './inbox/letters/operator/letter-line.ts'
export { createGroupOperator, type GroupOperatorOptions } from './runtime/groups/group-operator.ts'
export type {
  GroupDetails,
  GroupOperator,
  RewindOptions,
  RewindReport,
} from './runtime/groups/group-operator.ts'
export type { RewindTarget } from './runtime/groups/group-offsets.ts'

// Sagas
export { createParticipant, type ParticipantOptions } from './runtime/create-participant.ts'
export { type CommandContext, type CommandHandler, handle } from './saga/participant/command-handler.ts'
export { createOrchestrator, type OrchestratorOptions } from './runtime/create-orchestrator.ts'
export { saga, sagaFunction } from './runtime/saga.ts'
export type { SagaDefinition } from './saga/definition/saga-definition.ts'
export type {
  BlankPhase,
  CompensatablePhase,
  OpeningPhase,
  RetriablePhase,
} from './saga/definition/saga-phases.ts'
export type { PlannedStep, SagaPlan } from './saga/definition/saga-plan.ts'
export type { StartableSaga } from './saga/definition/startable-saga.ts'
export { createSagaOperator, type SagaOperatorOptions } from './runtime/saga-operator.ts'
export type { SagaOperator } from './saga/operator/saga-operator.ts'
export type { SagaStart } from './saga/start/saga-starter.ts'

// Acts of operators
export type { Act } from './audit/act.ts'
export type { Principal } from './kernel/principal.ts'

// Processes
export { type ConfigInput, defineConfig } from './runtime/config/define-config.ts'
export {
  applyTopics,
  declaredTopics,
  type PlannedTopic,
  planTopics,
  type TopicsOptions,
} from './runtime/topics.ts'
export type { Health, ProcessPart } from './kernel/lifecycle.ts'
export { type Logger, silentLogger } from './kernel/logger.ts'
export type {
  Counter,
  Gauge,
  Histogram,
  MetricDefinition,
  MetricLabels,
  Metrics,
} from './kernel/metrics/metrics.ts'
export { type PrometheusMetrics, prometheusMetrics } from './telemetry/prometheus-metrics.ts'
export { type ProbeServer, probeServer, type ProbeServerOptions } from './telemetry/probe-server.ts'
export type { TestSignals } from './kernel/test-signals.ts'
export type { KafkaTransport, TransportCapabilities } from './transport/transport.ts'
export type {
  ClusterDescription,
  TopicDescription,
  TopicSpecification,
  TransportAdmin,
} from './transport/admin.ts'

// Errors
export { type ErrorCode, errorCatalogue } from './kernel/error-catalogue.ts'
export { BackstitchError, isBackstitchError } from './kernel/errors.ts'
