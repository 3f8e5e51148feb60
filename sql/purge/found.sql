-- The posts that are purged when this run ends. Reads purged_rows, which the caller registers.
create or replace temp table purged as from purged_rows
