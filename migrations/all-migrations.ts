import { outbox } from './0001-outbox.ts'
import { inbox } from './0002-inbox.ts'
import { participant } from './0003-participant.ts'
import { saga } from './0004-saga.ts'
import { timer } from './0005-timer.ts'
import { migrationError } from './migration-error.ts'
import type { Migration, Part } from './migration.ts'

/** Every migration in the order of its number. A static list, so that bundlers and the built package see the same as the sources. */
export const allMigrations: readonly Migration[] = [outbox, inbox, participant, saga, timer]

/** Every part. */
export const allParts: readonly Part[] = ['outbox', 'inbox', 'participant', 'saga', 'timer']

/**
 * The migrations of some parts, in order. No part brings another with it; a database needs the parts of what runs on it:
 *
 * | process | parts |
 * |---|---|
 * | a service that writes messages, and the relay that reads them | outbox |
 * | a consumer | inbox, and outbox if its handlers write messages |
 * | a participant of sagas | participant, inbox, outbox |
 * | an orchestrator | saga, timer, inbox, outbox |
 *
 * @throws `CONFIG_INVALID` when there is no such part, or none is given
 */
export function migrationsFor(parts: readonly Part[]): readonly Migration[] {
  const unknown = parts.filter((part) => !allParts.includes(part))
  if (unknown.length > 0 || parts.length === 0)
    throw migrationError(
      'CONFIG_INVALID',
      'The configuration is invalid.',
      unknown.length > 0 ? `parts: there is no part "${unknown.join('", "')}"` : 'parts: none is given',
      `Choose among ${allParts.join(', ')}.`,
    )
  return allMigrations.filter(({ part }) => parts.includes(part))
}
