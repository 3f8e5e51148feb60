-- A mention is new once per post and query. It is folded onto an earlier mention of its brand that is the same post,
-- found by another query, or has the same text (modulo links, handles, case and punctuation), each copy within 28 days
-- of another: kept, linked, not counted.
create or replace temp table new_mentions as
select arrivals.post_id, arrivals.posted_at, arrivals.platform, arrivals.text_key
from arrivals
left join mentions
    on mentions.post_id = arrivals.post_id and mentions.query = $query and mentions.posted_at between $since and $until
where mentions.post_id is null;

insert into mentions by name
with same_post as (
    select new.post_id, any_value(coalesce(old.duplicate_of, old.post_id)) as first_id
    from new_mentions as new
    join mentions as old on old.post_id = new.post_id and old.brand = $brand
    where old.posted_at between $since and $until
    group by new.post_id
), stored as (
    -- A day's copies as one row: a text that went viral must not be joined copy by copy.
    select
        text_key, min(posted_at) as first_at, max(posted_at) as last_at,
        arg_min(coalesce(duplicate_of, post_id), posted_at) as first_id
    from mentions
    where brand = $brand and posted_at between $since - interval 28 days and $until + interval 28 days
        and text_key in (select text_key from new_mentions)
    group by text_key, posted_at::date
), same_text as (
    select new.post_id, arg_min(stored.first_id, stored.first_at) as first_id
    from new_mentions as new
    join stored
        on stored.text_key = new.text_key
        and stored.last_at >= new.posted_at - interval 28 days and stored.first_at <= new.posted_at + interval 28 days
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
    select
        chains.*,
        coalesce(
            same_post.first_id, same_text.first_id,
            arg_min(same_text.first_id, posted_at) over (partition by text_key, chain),
            nullif(first_value(post_id) over (partition by text_key, chain order by posted_at, post_id), post_id)
        ) as duplicate_of
    from chains
    left join same_post using (post_id)
    left join same_text using (post_id)
)
select
    post_id, $query as query, $brand as brand, $source as source, platform, posted_at, text_key, duplicate_of,
    $batch_id as batch_id
from within
order by posted_at
