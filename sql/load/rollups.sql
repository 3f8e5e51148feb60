-- Recomputes the touched days from the rows themselves, so that late, edited and removed posts are right too. Of a post
-- that names several brands a tag counts for the one that it is about. All of `touched` is from $first_at to $until.
delete from daily_rings where day in (from touched);
insert into daily_rings by name
select
    m.posted_at::date as day, m.brand, m.source, m.platform, t.ring, count(*) as n,
    count(*) filter (t.sentiment = 'positive') as n_positive,
    count(*) filter (t.sentiment = 'neutral') as n_neutral,
    count(*) filter (t.sentiment = 'negative') as n_negative
from mentions as m
join posts as p on p.post_id = m.post_id and p.posted_at = m.posted_at
join ring_tags as t on t.post_id = m.post_id and t.posted_at = m.posted_at
where m.duplicate_of is null and len(p.noise) = 0
    and coalesce((select brand from queries where query = t.target), m.brand) = m.brand
    and m.posted_at >= $first_at and m.posted_at < $until
    and p.posted_at >= $first_at and p.posted_at < $until
    and t.posted_at >= $first_at and t.posted_at < $until
    and m.posted_at::date in (from touched)
group by all;

delete from daily_mentions where day in (from touched);
insert into daily_mentions by name
with states as (
    select
        m.posted_at::date as day, m.query, m.brand, m.source, m.platform, p.sentiment,
        case
            when m.duplicate_of is not null then 'duplicate'
            when len(p.noise) > 0 then 'noise'
            when exists (
                from ring_tags as t
                where t.post_id = m.post_id and t.posted_at = m.posted_at
                    and t.posted_at >= $first_at and t.posted_at < $until
                    and coalesce((select brand from queries where query = t.target), m.brand) = m.brand
            ) then 'tagged'
            else 'untagged'
        end as state
    from mentions as m
    join posts as p on p.post_id = m.post_id and p.posted_at = m.posted_at
    where m.posted_at >= $first_at and m.posted_at < $until
        and p.posted_at >= $first_at and p.posted_at < $until
        and m.posted_at::date in (from touched)
)
select
    day, query, brand, source, platform, count(*) as n,
    count(*) filter (state = 'duplicate') as n_duplicate,
    count(*) filter (state = 'noise') as n_noise,
    count(*) filter (state = 'tagged') as n_tagged,
    count(*) filter (state = 'untagged') as n_untagged,
    count(*) filter (state = 'untagged' and sentiment is null) as n_unknown_language,
    count(*) filter (state in ('tagged', 'untagged') and sentiment = 'positive') as n_positive,
    count(*) filter (state in ('tagged', 'untagged') and sentiment = 'neutral') as n_neutral,
    count(*) filter (state in ('tagged', 'untagged') and sentiment = 'negative') as n_negative
from states
group by all
