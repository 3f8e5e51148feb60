-- The newest schema file that the store has seen; 0 in a new store.
create table if not exists meta (schema_version integer not null, applied_at timestamp not null);
select coalesce(max(schema_version), 0) from meta
