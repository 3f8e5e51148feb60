-- All that is stored, and nothing that was deleted: DuckDB keeps deleted rows in its blocks until it needs the room,
-- whatever is checkpointed or vacuumed. Reads the temp table `purged`, the posts that no file holds any more.
copy from database working to fresh;
update fresh.tombstones set purged_at = $now, native_id = null where post_id in (from purged)
