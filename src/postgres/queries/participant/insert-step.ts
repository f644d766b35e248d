/**
 * Records an execution of a step. The caller is in line for the step and has seen that there is none.
 * `$1` saga id, `$2` step, `$3` round, `$4` direction, `$5` name of the saga, `$6` type of the command, `$7` id of the command, `$8` outcome,
 * `$9` reply in text, `$10` reply in bytes.
 */
export function insertStep(schema: string): string {
  return `insert into ${schema}.participant_step
  (saga_id, step, round, direction, saga_name, command_type, command_id, outcome, reply, reply_binary)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
}
