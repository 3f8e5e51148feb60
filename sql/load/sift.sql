-- Takes out of a batch what must not be stored: posts that their platform took back, and the one in 10^12
-- whose post_id is another post's.
create or replace temp table collisions as
select arrivals.*
from arrivals
join posts on posts.post_id = arrivals.post_id and posts.posted_at between $since and $until
where posts.platform != arrivals.platform or posts.native_id != arrivals.native_id;

delete from arrivals where post_id in (select post_id from collisions);

-- Its file now holds the post again: it is purged once more.
update tombstones set purged_at = null where purged_at is not null and post_id in (select post_id from arrivals);
delete from arrivals where post_id in (select post_id from tombstones);

insert into rejects
select $source, $query, native_id, 'load', 'its post_id is taken by another post', platform, text, $batch_id, $now
from collisions;

-- Only a fetch at least as young as the stored one may change a post.
create or replace temp table changes as
select arrivals.*
from arrivals
left join posts on posts.post_id = arrivals.post_id and posts.posted_at between $since and $until
where posts.post_id is null or posts.fetched_at <= arrivals.fetched_at
