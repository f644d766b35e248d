/**
 * Whether the database has the tables of sagas.
 * `$1` the name of the table of instances, with its quoted schema. Returns `here`.
 */
export const hasSagaTables = 'select to_regclass($1) is not null as here'
