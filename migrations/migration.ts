/** The parts of the schema: each service’s database gets those that it needs. */
export type Part = 'outbox' | 'inbox' | 'participant' | 'saga' | 'timer' | 'audit'

/**
 * One numbered step of the schema, as plain SQL. `schema` is the quoted name of the schema. Migrations are frozen once released: later
 * changes are new files.
 */
export type Migration = {
  readonly name: string
  readonly part: Part
  up(schema: string): readonly string[]
  down(schema: string): readonly string[]
}

/**
 * A UUID of version 7 as a column’s default, for Postgres before 18 has `uuidv7()`: 48 bits of milliseconds over a random UUID, with the
 * two version bits that tell 7 from 4 set. Rows of plain `INSERT`s thereby fall into the inbox’s partitions of their time.
 */
export const uuidV7Default = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid`
