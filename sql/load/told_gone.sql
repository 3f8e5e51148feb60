-- What a batch says of posts that are gone, in the temp table `answers`; leaves the days of the batch in `touched`.
create or replace temp table answers as
select post_id, platform, native_id, observed_at as checked_at, reason as state from raw_rows where outcome = 'gone';

create or replace temp table touched as select distinct posted_at::date as day from arrivals
