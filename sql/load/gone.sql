-- What a platform took back leaves the store at once; the tombstone keeps it out. Of the copies that were folded onto
-- it, the earliest of a brand is counted in its place.
create or replace temp table gone as
select distinct on (post_id) post_id, platform, reason as state
from raw_rows
where outcome = 'gone' and post_id not in (select post_id from tombstones);

create or replace temp table freed as
select
    post_id, query, posted_at, first_value(post_id) over copies as first_id, row_number() over copies as position
from mentions
where duplicate_of in (select post_id from gone) and post_id not in (select post_id from gone)
window copies as (partition by brand, duplicate_of order by posted_at, post_id, query);

create or replace temp table touched as
select distinct posted_at::date as day from arrivals
union
select distinct posted_at::date from mentions where post_id in (select post_id from gone)
union
select distinct posted_at::date from freed;

insert into tombstones select post_id, platform, state, $now from gone;
delete from posts where post_id in (select post_id from gone);
delete from mentions where post_id in (select post_id from gone);
delete from ring_tags where post_id in (select post_id from gone);
delete from other_readings where post_id in (select post_id from gone);
update mentions set duplicate_of = if(freed.position = 1, null, freed.first_id)
from freed
where freed.post_id = mentions.post_id and freed.query = mentions.query
