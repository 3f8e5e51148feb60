-- What a platform took back leaves the store at once; the tombstone keeps it out. Of the copies that were folded onto
-- it, the earliest of a brand is counted in its place. Adds the days concerned to `touched`.
create or replace temp table freed as
select
    post_id, query, posted_at, first_value(post_id) over copies as first_id, row_number() over copies as position
from mentions
where duplicate_of in (select post_id from gone) and post_id not in (select post_id from gone)
window copies as (partition by brand, duplicate_of order by posted_at, post_id, query);

create or replace temp table leaving as
select source, query, posted_at::date as day, count(*)::integer as n_deleted
from mentions
where post_id in (select post_id from gone)
group by all;

insert into touched select distinct day from (select day from leaving union all select posted_at::date from freed);

insert into coverage_ledger by name
select
    source, query, day, 0 as n_asked, 0 as n_fetched, 0 as n_mapped, 0 as n_rejected, 0 as n_unmatched, 0 as n_known,
    0 as n_new, n_deleted, $batch_id as batch_id
from leaving;

-- A reject may be the same post, or speak of it: what was rejected is kept as a count and a reason.
update rejects set payload = '', native_id = null
where exists (
    from gone
    where gone.native_id = rejects.native_id or contains(rejects.payload, '"' || gone.native_id || '"')
);

insert into tombstones by name select post_id, platform, native_id, state, $now as noted_at from gone;
delete from posts where post_id in (select post_id from gone);
delete from post_versions where post_id in (select post_id from gone);
delete from mentions where post_id in (select post_id from gone);
delete from ring_tags where post_id in (select post_id from gone);
delete from other_readings where post_id in (select post_id from gone);
delete from checks where post_id in (select post_id from gone);
update mentions set duplicate_of = if(freed.position = 1, null, freed.first_id)
from freed
where freed.post_id = mentions.post_id and freed.query = mentions.query
