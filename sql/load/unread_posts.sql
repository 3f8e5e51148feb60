-- The posts of a day that a classifier in this version has not read; text_version tells which text this is.
select posts.post_id, posts.posted_at, posts.version as text_version, posts.text, posts.lang
from posts
anti join (from other_readings where classifier = $classifier and version = $version) as other using (post_id, posted_at)
where posts.posted_at >= $day::date and posts.posted_at < $day::date + 1
    and (posts.classifier != $classifier or posts.classifier_version != $version)
order by posts.post_id
