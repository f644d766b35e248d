import { outbox } from './0001-outbox.ts'
import { inbox } from './0002-inbox.ts'
import { participant } from './0003-participant.ts'
import { saga } from './0004-saga.ts'
import { timer } from './0005-timer.ts'
import { audit } from './0006-audit.ts'
import { migrationError } from './migration-error.ts'
import type { Migration, Part } from './migration.ts'

/** Every migration in the order of its number. A static list, so that bundlers and the built package see the same as the sources. */
export const allMigrations: readonly Migration[] = [outbox, inbox, participant, saga, timer, audit]

/** Every part. */
export const allParts: readonly Part[] = ['outbox', 'inbox', 'participant', 'saga', 'timer', 'audit']

/**
 * The migrations that a database with some parts needs, in order. It needs the parts of what runs on it:
 *
 * | process | parts |
 * |---|---|
 * | a service that writes messages, and the relay that reads them | outbox |
 * | a consumer | inbox, and outbox if its handlers write messages |
 * | a participant of sagas | participant, inbox, outbox |
 * | an orchestrator | saga, timer, inbox, outbox |
 *
 * The outbox and the inbox bring the audit trail with them, which the verbs of operators write to; no other part brings another.
 *
 * @throws `CONFIG_INVALID` when there is no such part, or none is given
 */
export function migrationsFor(parts: readonly Part[]): readonly Migration[] {
  return migrationsOf(
    parts.some((part) => part === 'outbox' || part === 'inbox') ? [...parts, 'audit'] : parts,
  )
}

/**
 * The migrations of these parts and of no other, in order: those that are reverted with them. The audit trail stays unless it is named, for
 * it tells of more than the tables beside it.
 * @throws `CONFIG_INVALID` as `migrationsFor`
 */
export function migrationsOf(parts: readonly Part[]): readonly Migration[] {
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
