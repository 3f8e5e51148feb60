-- How far the data reach: the first and the last post of these brands, and when they were last loaded.
select
    count(distinct post_id) as n_posts,
    min(posted_at) as first_posted_at,
    max(posted_at) as last_posted_at,
    (select max(committed_at) from batches) as loaded_at
from mentions
where brand in (select unnest($brands::varchar[]))
