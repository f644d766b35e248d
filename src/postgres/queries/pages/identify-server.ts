/** Two connections that are told the same lead to the same server, and it has not restarted between them. */
export const identifyServer = `select system_identifier::text, date_part('epoch', pg_postmaster_start_time())::text, pg_is_in_recovery()::text
from pg_control_system()`
