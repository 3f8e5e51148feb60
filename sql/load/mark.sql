-- The batch is done and the cursor recorded, in the transaction of its data.
insert into batches
select $batch_id, $source, $query, (select count(*) from raw_rows), min(posted_at), max(posted_at), $now from arrivals;

delete from cursors where source = $source and query = $query;
insert into cursors values ($source, $query, $cursor, $batch_id, $now);
