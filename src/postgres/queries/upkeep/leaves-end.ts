/** The upper bounds of the leaves of the outbox, as text. `$1` the quoted name of the table. Returns `[bounds]`, such as `FOR VALUES FROM ('0') TO ('1000000')`. */
export const readLeafBounds = `select pg_get_expr(c.relpartbound, c.oid) from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = $1::regclass`
