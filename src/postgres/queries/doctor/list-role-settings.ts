/** Roles and databases for which `synchronous_commit` is switched off. Returns {@link RoleSettingRow}. */
export const listRoleSettings = `select case when s.setrole = 0 then null else pg_get_userbyid(s.setrole) end as role, c.setting
from pg_db_role_setting s cross join lateral unnest(s.setconfig) as c (setting)
where (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
  and c.setting in ('synchronous_commit=off', 'synchronous_commit=false', 'synchronous_commit=0', 'synchronous_commit=no')`

/** A row of {@link listRoleSettings}; `role` is null for all roles. */
export type RoleSettingRow = { readonly role: string | null; readonly setting: string }
