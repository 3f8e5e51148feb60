-- The stretch of time that this batch touches, and so all that has to be read. A day when it is empty.
select coalesce(min(posted_at), $fetched_at::timestamp), coalesce(max(posted_at), $fetched_at::timestamp) from arrivals
