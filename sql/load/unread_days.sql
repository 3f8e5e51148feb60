-- The days with posts that a classifier in this version has not read.
select distinct posts.posted_at::date as day
from posts
anti join (from other_readings where classifier = $classifier and version = $version) as other using (post_id, posted_at)
where posts.posted_at >= $first_day::date and posts.posted_at < $last_day::date + 1
    and (posts.classifier != $classifier or posts.classifier_version != $version)
order by day
