-- The posts that may be kept no longer, as nobody saw them for longer than their platform's terms allow.
-- Reads retention_rows and waiting_rows, which the loader registers.
select posts.source, posts.post_id, posts.platform
from posts
left join checks using (post_id)
join retention_rows as retention using (terms)
where greatest(posts.fetched_at, checks.checked_at) <= $now - retention.keep
    and posts.post_id not in (select post_id from waiting_rows)
order by posts.source, posts.post_id
