-- The file of answers is in the store, noted in the transaction of what they did.
insert into batches
select $batch_id, $source, '', count(*), null, null, $now from answers
