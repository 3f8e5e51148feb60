-- What a platform answered when it was asked for stored posts, in the temp table `answers`; a null state is alive.
-- Reads checked_rows, which the loader registers.
create or replace temp table answers as
select checked.post_id, checked.platform, posts.native_id, checked.checked_at, checked.state
from checked_rows as checked
left join posts using (post_id);

create or replace temp table touched as select null::date as day where false
