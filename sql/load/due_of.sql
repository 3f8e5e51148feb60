-- Of the posts in `due` those of one source, the missed ones first, then those that were not seen for longest.
select post_id, platform, native_id, is_missed
from due
join posts using (post_id)
where due.source = $source
order by is_missed desc, seen_at, post_id
limit $n_most
