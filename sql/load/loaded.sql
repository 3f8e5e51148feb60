-- The batches that are in the store.
select batch_id from batches
