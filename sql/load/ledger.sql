-- What was asked and what came of it, by day; and why, where something did not come.
insert into coverage_ledger by name
with items as (
    select coalesce(arrivals.posted_at, raw_rows.posted_at)::date as day, 1 as n_mapped, 0 as n_rejected, 0 as n_unmatched
    from raw_rows left join arrivals on arrivals.post_id = raw_rows.post_id
    where outcome = 'mapped'
    union all
    select $fetched_at::date, 0, 1, 0 from raw_rows where outcome = 'rejected'
    union all
    select day::date, n::integer, 0, n::integer from unmatched_rows
), collided as (
    select posted_at::date as day, count(*) as n from collisions group by all
), fresh as (
    select posted_at::date as day, count(*) as n from new_mentions group by all
), days as (
    select day, sum(n_mapped) as n_mapped, sum(n_rejected) as n_rejected, sum(n_unmatched) as n_unmatched
    from items group by day
)
select
    $source as source, $query as query, coalesce(days.day, $fetched_at::date) as day, coalesce(asked.n, 0) as n_asked,
    coalesce(n_mapped + n_rejected, 0) as n_fetched,
    coalesce(n_mapped - coalesce(collided.n, 0), 0) as n_mapped,
    coalesce(n_rejected + coalesce(collided.n, 0), 0) as n_rejected,
    coalesce(n_unmatched, 0) as n_unmatched,
    coalesce(n_mapped - coalesce(collided.n, 0) - n_unmatched - coalesce(fresh.n, 0), 0) as n_known,
    coalesce(fresh.n, 0) as n_new, $batch_id as batch_id
from days
full join (select $fetched_at::date as day, $n_asked as n) as asked on asked.day = days.day
left join collided on collided.day = days.day
left join fresh on fresh.day = days.day;

-- A source that reads an overlap again gives the same reject again: it is counted as asked for, and kept once.
insert into rejects
select $source, $query, native_id, 'collect', reason, place, raw, $batch_id, $now
from raw_rows
where outcome = 'rejected' and not exists (
    from rejects as kept
    where kept.source = $source and kept.query = $query and kept.payload = raw_rows.raw and kept.reason = raw_rows.reason
);

insert into gaps
select $source, $query, reason, since::timestamptz at time zone 'UTC', until::timestamptz at time zone 'UTC', $batch_id, $now
from gap_rows
