-- The stretch of time of the posts in `unsettled`; null when none of them is stored.
select min(posted_at), max(posted_at) from posts where post_id in (from unsettled)
