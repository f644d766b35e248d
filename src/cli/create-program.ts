import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import type { CliIo } from './cli-io.ts'
import { addGlobalOptions } from './command-context.ts'
import { addDlqCommands } from './commands/dlq/dlq-commands.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addGroupCommands } from './commands/group/group-commands.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addOrchestratorCommand } from './commands/orchestrator.ts'
import { addOutboxCommands } from './commands/outbox/outbox-commands.ts'
import { addRelayCommand } from './commands/relay.ts'
import { addSagaCommands } from './commands/saga/saga-commands.ts'
import { addTopicsCommands } from './commands/topics.ts'

/** Adds one command to the program. `end` takes its exit code; a command that does not call it ends with 0. */
type AddCommand = (program: Command, io: CliIo, end: (exitCode: number) => void) => void

const addCommands: readonly AddCommand[] = [
  addRelayCommand,
  addOrchestratorCommand,
  addMigrateCommand,
  addTopicsCommands,
  addDoctorCommand,
  addOutboxCommands,
  addGroupCommands,
  addDlqCommands,
  addSagaCommands,
]

/** The program with all its commands. */
export function createProgram(io: CliIo, end: (exitCode: number) => void): Command {
  const program = new Command('backstitch')
    .description('Transactional outbox, sagas and exactly-once consumers on Postgres and Kafka.')
    .version(packageVersion(), '--version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for what there is)')
    .addHelpText(
      'after',
      `
Examples:
  backstitch migrate                       make the tables in the database of DATABASE_URL
  backstitch migrate --sql > tables.sql    print them for review instead
  backstitch topics plan                   compare the topics of the contracts with those that exist
  backstitch doctor                        examine databases, brokers and topics
  backstitch relay                         publish the outboxes until SIGTERM
  backstitch orchestrator                  drive the sagas of backstitch.config.ts until SIGTERM
  backstitch outbox status                 show how far the outboxes are, and what is parked
  backstitch outbox list                   show the rows that could not be published
  backstitch group show billing            show how far a consumer group is
  backstitch dlq list                      show the messages that could not be handled
  backstitch saga show <id>                show one saga with its history

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 a check found something, 4 not found, 5 refused.`,
    )
  addGlobalOptions(program)
  for (const add of addCommands) add(program, io, end)
  return program
}

function packageVersion(): string {
  const path = fileURLToPath(import.meta.resolve('backstitch/package.json'))
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
