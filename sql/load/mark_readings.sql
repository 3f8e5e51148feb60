-- The file is in the store, noted in the transaction of its data.
insert into batches
select $batch_id, 'reclassify', $classifier || '@' || $version, count(*), min(posted_at), max(posted_at), $now
from reading_rows
