-- The classifier of the config counts from now on; gives the days on which it has read posts that count otherwise.
delete from in_use;
insert into in_use values ($classifier, $version);

select distinct posted_at::date as day
from other_readings
where classifier = $classifier and version = $version and post_id not in (select post_id from corrections)
order by day
