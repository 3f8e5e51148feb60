-- Whether a batch is in the store: the marker is written in the same transaction as its data.
select count(*) > 0 from batches where batch_id = $batch_id
