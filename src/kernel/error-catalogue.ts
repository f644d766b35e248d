/** One entry of the catalogue: what went wrong in general, what the reader can do, and whether trying again can help. */
export type ErrorEntry = { readonly summary: string; readonly action: string; readonly retriable: boolean }

const permanent = (summary: string, action: string): ErrorEntry => ({ summary, action, retriable: false })
const transient = (summary: string, action: string): ErrorEntry => ({ summary, action, retriable: true })

/**
 * Every error that backstitch throws or records, by code. `docs/errors.md` lists the same codes (a test compares them).
 * A code never changes its meaning; its words may.
 */
export const errorCatalogue = {
  ACTOR_MISSING: permanent(
    'An act needs somebody who does it.',
    'Name who acts; it is kept in the audit trail.',
  ),
  CONFIG_INVALID: permanent(
    'The configuration is invalid.',
    'Correct the option that is named; see docs/configuration.md.',
  ),
  CONFIG_NOT_FOUND: permanent(
    'No backstitch.config.ts was found.',
    'Run the command in the folder that holds it, or name it with --config.',
  ),
  CONFIRMATION_MISSING: permanent(
    'The command destroys data, and was not confirmed.',
    'Repeat it with --yes when that is what you want.',
  ),
  CONTRACT_INVALID: permanent('A message contract is invalid.', 'Correct the contract that is named.'),
  DATABASE_FAILING: transient(
    'The database answers, but cannot do its work just now.',
    'Look at the reason (disk, memory, connections); the process tries again by itself.',
  ),
  DATABASE_REFUSED: permanent(
    'The connection to the database is refused.',
    'Check the user, the password, the name of the database, and the certificates where it speaks TLS.',
  ),
  DATABASE_IS_STANDBY: transient(
    'The database is a read-only standby.',
    'Point the relay at the primary: a snapshot of a standby does not know which transactions are open.',
  ),
  DATABASE_TOO_SLOW: transient(
    'A statement was not finished in its time.',
    'Look at the load of the database; the relay reads less at once the next time.',
  ),
  DATABASE_UNREACHABLE: transient(
    'The database does not answer.',
    'Check its address and that it runs; the process tries again by itself.',
  ),
  EVENT_LOOP_BLOCKED: permanent(
    'The event loop was blocked for longer than blockedMsMax, so the process was ended.',
    'Look where it stood; let the handler compute in steps or in a thread of its own, or raise blockedMsMax.',
  ),
  KAFKA_ACCESS_DENIED: permanent(
    'Kafka refuses this client.',
    'Check its credentials, and that the ACLs let its user do what is named.',
  ),
  KAFKA_UNREACHABLE: transient(
    'No Kafka broker answers.',
    'Check the brokers’ addresses and that they run; the process tries again by itself.',
  ),
  KEY_HELD: transient(
    'The message waits among the dead letters behind an earlier one of its key.',
    'Redrive or drop the earlier one (`backstitch dlq list --key`); this one then follows by itself.',
  ),
  LETTER_NOT_FOUND: permanent('There is no such dead letter.', 'Look at them with `backstitch dlq list`.'),
  LETTER_STATE_REFUSES: permanent(
    'The state of the dead letter does not allow this.',
    'Look at it with `backstitch dlq show`.',
  ),
  MESSAGE_ID_REUSED: permanent(
    'A message has the id of another one with another body.',
    'It was put among the dead letters and not applied; give it an id of its own with `backstitch dlq edit`, or drop it, and correct its producer.',
  ),
  MESSAGE_INVALID: permanent(
    'A message does not fit its contract.',
    'Correct the fields that are named; nothing was written, and the transaction is still usable.',
  ),
  MESSAGE_KILLS: permanent(
    'Each process that handled this message died of it.',
    'Find out why in the logs of those processes (memory, process.exit, a blocked event loop), correct the handler and redrive it.',
  ),
  MESSAGE_MALFORMED: permanent(
    'A record on the topic is not a message this group can read.',
    'It was put among the dead letters with its bytes; correct its producer.',
  ),
  MESSAGE_TOO_LARGE: permanent(
    'A message is larger than the limit.',
    'Send a reference to the data instead of the data, or raise the limit of the contract and of the topic.',
  ),
  MIGRATION_FAILED: permanent(
    'A migration failed; its transaction was rolled back.',
    'Read the cause, then run it again.',
  ),
  SCHEMA_MISSING: permanent(
    'The tables of backstitch are missing in this database.',
    'Run `backstitch migrate` with the parts that this database needs.',
  ),
  SCHEMA_NEWER: permanent(
    'The tables were made by a newer version of backstitch than this process.',
    'Deploy the newer version of the package.',
  ),
  SCHEMA_OUTDATED: permanent(
    'The tables are older than this version of backstitch needs.',
    'Run `backstitch migrate`.',
  ),
  TRANSACTION_ABORTED: permanent(
    'A statement of the transaction had failed, so Postgres rolled it back instead of committing it.',
    'Let the error of a statement through, or run the statement under a savepoint.',
  ),
  TRANSACTION_ENDED: permanent(
    'A statement was run through a transaction that had ended already.',
    'Await every statement in the handler before it returns or throws.',
  ),
  TRANSACTION_CONFLICT: transient(
    'Another transaction was in the way: a deadlock, a serialization failure, or a lock that it held for long.',
    'Nothing to do: the transaction is run again.',
  ),
  TOPIC_NOT_PINNED: permanent(
    'The outbox has never written to this topic.',
    'Give the whole name of a topic that the outbox writes to, as in `backstitch topics plan`.',
  ),
  TOPIC_REFUSED: permanent(
    'Kafka refuses to create a topic.',
    'Correct its name, its partitions, its replication factor or its settings as the reason says.',
  ),
  TRANSACTION_UNSUPPORTED: permanent(
    'The value given as a transaction is none that backstitch knows.',
    'Pass an open transaction of pg, knex, Kysely, Drizzle, postgres.js, Prisma or TypeORM, or an object with query(text, values).',
  ),
  GROUP_IN_USE: permanent(
    'A consumer group has members; its offsets cannot be set meanwhile.',
    'Stop the processes of the group, wait until they have left it (a killed one within its session timeout), and try again.',
  ),
  GROUP_NOT_FOUND: permanent(
    'No such group uses this inbox.',
    'List them with `backstitch group list`; a group is there once one of its members has read something.',
  ),
  GROUP_REFUSES: permanent('This kind of group does not allow that.', 'Read the reason.'),
  REDELIVERY_TOO_OLD: permanent(
    'The inbox does not remember that far back: messages would be applied twice.',
    'Go less far back, or have them handled once more with `backstitch group reprocess`.',
  ),
  HANDLER_FAILED: transient(
    'A handler threw an error.',
    'Read the cause; the message is tried again, then dead-lettered.',
  ),
  HANDLER_MISSING: permanent(
    'No handler is registered for this command.',
    'Register one with handle(command, handler).',
  ),
  HANDLER_POSTPONED: transient(
    'A handler wants to be called with the message later.',
    'Nothing to do: it is called again after the time that it named.',
  ),
  HANDLER_REFUSED: permanent(
    'A handler refused a message for good.',
    'It was put among the dead letters without another try; correct what the reason names.',
  ),
  HANDLER_RESULT_INVALID: permanent(
    'A command’s handler returned no outcome of its contract.',
    'Return what ok(...) or rejected.<name>(...) of the handler’s own context gives.',
  ),
  OUTBOX_BACKLOGGED: transient(
    'The outbox takes no more messages: too old ones wait to be published.',
    'Try the whole transaction again later, and see that a relay publishes.',
  ),
  OUTBOX_CHECKPOINT_AHEAD: permanent(
    'The checkpoint knows transactions that this database has not seen yet: it was restored from a backup or replaced.',
    'Stop the services that write the outbox and run `backstitch outbox adopt`; see docs/operations.md, “A restored database”.',
  ),
  OUTBOX_CHECKPOINT_FOREIGN: permanent(
    'The checkpoint belongs to another database cluster.',
    'Stop the services that write the outbox and run `backstitch outbox adopt`; see docs/operations.md, “A restored database”.',
  ),
  OUTBOX_IN_USE: transient(
    'Transactions that have written the outbox are still open.',
    'Stop the services that write it, end what they left open (pg_stat_activity, pg_prepared_xacts), and repeat the command.',
  ),
  OUTBOX_DEFAULT_IN_USE: transient(
    'Rows are in the default partition of the outbox: no relay made a leaf for them in time.',
    'Nothing is lost; the relay empties it once they are published. See that a relay always runs, and may execute the functions of its schema.',
  ),
  OUTBOX_KEY_PARKED: transient(
    'The row waits in the quarantine behind an earlier row of its key.',
    'Retry or skip the earlier row; this one is then published by itself.',
  ),
  OUTBOX_LEASE_LOST: transient('Another relay owns this outbox now.', 'Nothing to do: this relay stands by.'),
  OUTBOX_NOT_RESTORED: permanent(
    'The checkpoints of this outbox are of this very database cluster.',
    'Nothing to do: a relay goes on from them.',
  ),
  OUTBOX_OWNED: transient(
    'A relay owns this outbox.',
    'Stop all relays of the database, or wait until the lease of one that is gone has run out, and repeat the command.',
  ),
  OUTBOX_PARTITION_HELD: transient(
    'A partition cannot be written to while others can: its rows wait in the quarantine.',
    'Look at the brokers of the partition; its rows are published by themselves, in order, once it can be written to.',
  ),
  OUTBOX_PARTITIONS_CHANGED: permanent(
    'A topic has another number of partitions than the outbox writes it with.',
    'Once its consumers are ready for keys that move, run `backstitch topics adopt <topic>`; with fewer partitions its rows wait until then.',
  ),
  OUTBOX_QUARANTINE_FULL: transient(
    'The quarantine holds as many rows as it may: the shard waits, and nothing of it is lost.',
    'Look at it with `backstitch outbox status`; create the topic, or retry, edit or skip rows. The outbox then goes on by itself.',
  ),
  OUTBOX_RECORD_REFUSED: permanent(
    'Kafka refuses this record for what it is.',
    'Correct the limit of the topic and run `backstitch outbox retry`, or `backstitch outbox skip`.',
  ),
  OUTBOX_REPLAY_OPEN: transient(
    'A replay of this outbox is not done: its rows belong to the shards that there are.',
    'Start the relays and let it complete (`backstitch outbox replays`), or end it with `backstitch outbox cancel-replay`; then stop the relays and repeat the command.',
  ),
  OUTBOX_SHARDS_APART: permanent(
    'The shards are not equally far: too many rows that were published would be published again.',
    'Start the relays, let them catch up, stop them and repeat the command; or allow more rows with --resent-max.',
  ),
  OUTBOX_SHARDS_CHANGED: permanent(
    'The outbox has another number of shards than is expected.',
    'Correct the configuration, or change the number with `backstitch outbox shards`; after a change by hand, set it back first.',
  ),
  OUTBOX_TOPICS_APART: permanent(
    'The shards write a topic with different numbers of partitions.',
    'Start the relays, run `backstitch topics adopt` for the topic, wait until each shard has adopted the number, stop the relays and repeat the command.',
  ),
  OUTBOX_TOPIC_UNKNOWN: permanent(
    'The topic does not exist.',
    'Create it with `backstitch topics apply`; the parked rows are then published by themselves.',
  ),
  PUBLISH_FAILED: transient(
    'Kafka did not acknowledge a record.',
    'Nothing to do: the relay reads it again and publishes it.',
  ),
  REASON_MISSING: permanent('An act needs a reason.', 'Say why; it is kept in the audit trail.'),
  REPLY_UNKNOWN: permanent(
    'A reply belongs to no saga that this orchestrator knows.',
    'It was put among the dead letters; check which service sent it.',
  ),
  SAGA_DEFINITION_INVALID: permanent('A saga definition is invalid.', 'Correct the step that is named.'),
  SAGA_DEFINITION_UNKNOWN: permanent(
    'This process does not have the definition of the saga.',
    'Deploy the definition, or start an orchestrator that has it: the message waits in the database.',
  ),
  SAGA_MAPPER_FAILED: permanent(
    'A mapper of a saga definition threw an error; the saga is parked.',
    'Correct the definition, deploy, and run `backstitch saga retry`.',
  ),
  SAGA_MESSAGE_FAILED: permanent(
    'A message or a timer led its saga to a failure; the saga is parked.',
    'Read the cause, correct it, deploy, and run `backstitch saga retry`.',
  ),
  SAGA_NOT_FOUND: permanent('There is no saga with this id.', 'Check the id with `backstitch saga list`.'),
  SAGA_REPLY_INVALID: permanent(
    'A reply does not fit the contract of its command; the saga is parked.',
    'Correct the participant or the contract, deploy, and run `backstitch saga retry`.',
  ),
  SAGA_STATE_REFUSES: permanent(
    'The state of the saga does not allow this.',
    'Look at it with `backstitch saga show`.',
  ),
  SAGA_STEP_REFUSED: permanent(
    'A step that cannot be given up was rejected; the saga is parked.',
    'Remove what the rejection names and run `backstitch saga retry`, or settle it by hand and run `backstitch saga skip`.',
  ),
  SAGA_STEP_UNANSWERED: permanent(
    'A step was not answered within its attempts; the saga is parked.',
    'See that the service works and run `backstitch saga retry`; the answer, once it comes, also lets the saga go on.',
  ),
  REPLAY_FAILED: permanent(
    'The database refuses to read rows that are to be sent again, or to note how far that is.',
    'See that what the reason names is put right, most often a right that the relay lacks, and ask for the replay anew.',
  ),
  REPLAY_NOT_FOUND: permanent(
    'There is no such replay, or it is done.',
    'List them with `backstitch outbox replays`.',
  ),
  ROWS_NOT_KEPT: permanent(
    'The rows that were asked for are not kept any more.',
    'Ask for later ones; `relay.retention.keepPublishedMs` keeps rows for longer.',
  ),
  ROW_NOT_FOUND: permanent(
    'There is no such row in the quarantine.',
    'Look at it with `backstitch outbox list`.',
  ),
  ROW_STATE_REFUSES: permanent(
    'The state of the row does not allow this.',
    'Look at it with `backstitch outbox show`.',
  ),
  SERVICE_UNAVAILABLE: permanent(
    'A server that this run needs cannot be provided.',
    'Set DATABASE_URL and KAFKA_BROKERS, start Docker, or install what is named.',
  ),
  STOP_DEADLINE_PASSED: permanent(
    'A process part did not stop within its deadline.',
    'Nothing is lost: what was not acknowledged is done again.',
  ),
  UPCAST_FAILED: permanent(
    'An upcaster could not make the newer version of a message.',
    'It was put among the dead letters with its bytes; correct the upcaster, or the producer, and hand it over again.',
  ),
  UNIT_OF_WORK_MISSING: permanent(
    'There is no unit of work to enqueue into.',
    'Enqueue within the work of outbox.transaction(...), and wait for it there; or hand over a transaction: outbox.enqueue(tx, message).',
  ),
  UNEXPECTED: permanent(
    'Something happened that backstitch did not foresee.',
    'Repeat the command with --verbose for the stack, and report it if it is not clear.',
  ),
} as const satisfies Record<string, ErrorEntry>

/** A code of {@link errorCatalogue}. */
export type ErrorCode = keyof typeof errorCatalogue
