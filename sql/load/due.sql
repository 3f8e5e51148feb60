-- The posts that are to be asked for again, in the temp table `due`: last seen longer ago than their platform's terms
-- allow, or missed at least an hour ago. An hour early, or a daily run would find a day's posts a minute too young.
-- Reads retention_rows, which the loader registers, and waiting_rows: the posts whose last answer is not loaded yet.
create or replace temp table due as
select
    posts.source, posts.post_id, greatest(posts.fetched_at, checks.checked_at) as seen_at,
    coalesce(checks.missed_at > posts.fetched_at, false) as is_missed
from posts
left join checks using (post_id)
left join retention_rows as retention using (terms)
where posts.post_id not in (select post_id from waiting_rows)
    and if(
        coalesce(checks.missed_at > posts.fetched_at, false),
        checks.missed_at <= $now - interval 1 hour,
        greatest(posts.fetched_at, checks.checked_at)
            <= $now - if(retention.terms is null, $other, retention.recheck) + interval 1 hour
    )
