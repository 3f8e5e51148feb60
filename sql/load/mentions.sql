-- A mention is new once per post and query. It is folded onto an earlier mention of its brand with the same text
-- (modulo links, handles, case and punctuation) that lies within 28 days: kept, linked, not counted.
create or replace temp table new_mentions as
select arrivals.post_id, arrivals.posted_at, arrivals.platform, arrivals.text_key
from arrivals
left join mentions
    on mentions.post_id = arrivals.post_id and mentions.query = $query and mentions.posted_at between $since and $until
where mentions.post_id is null;

insert into mentions by name
with stored as (
    select new.post_id, arg_min(old.post_id, old.posted_at) as first_id
    from new_mentions as new
    join mentions as old
        on old.text_key = new.text_key and old.brand = $brand and old.duplicate_of is null
        and old.posted_at between new.posted_at - interval 28 days and new.posted_at + interval 28 days
    where old.posted_at between $since - interval 28 days and $until + interval 28 days
    group by new.post_id
), chained as (
    select
        *,
        case when posted_at <= (lag(posted_at) over same) + interval 28 days then 0 else 1 end as is_first
    from new_mentions
    window same as (partition by text_key order by posted_at, post_id)
), chains as (
    select *, sum(is_first) over (partition by text_key order by posted_at, post_id) as chain from chained
), within as (
    select *, first_value(post_id) over (partition by text_key, chain order by posted_at, post_id) as first_id from chains
)
select
    within.post_id, $query as query, $brand as brand, $source as source, within.platform, within.posted_at,
    within.text_key, coalesce(stored.first_id, nullif(within.first_id, within.post_id)) as duplicate_of,
    $batch_id as batch_id
from within
left join stored on stored.post_id = within.post_id
order by within.posted_at
