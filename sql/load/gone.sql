-- What a platform took back leaves the store at once; the tombstone keeps it out.
create or replace temp table gone as
select distinct on (post_id) post_id, platform, reason as state
from raw_rows
where outcome = 'gone' and post_id not in (select post_id from tombstones);

create or replace temp table touched as
select distinct posted_at::date as day from arrivals
union
select distinct posted_at::date from mentions where post_id in (select post_id from gone);

insert into tombstones select post_id, platform, state, $now from gone;
delete from posts where post_id in (select post_id from gone);
delete from mentions where post_id in (select post_id from gone);
delete from ring_tags where post_id in (select post_id from gone);
