-- The posts that left the store and may still be in files; native_id is null where it was never known.
select post_id, native_id from tombstones where purged_at is null
