-- For a source whose dates may change between two readings: a known post keeps the date under which it is stored,
-- or the time window would miss it and store it twice. Reads all ids: dearer than the window.
update arrivals set posted_at = posts.posted_at from posts where posts.post_id = arrivals.post_id
