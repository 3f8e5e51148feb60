-- Notes the answers of platforms, and says in the temp table `gone` which posts have to leave: those of which there is
-- proof, and those missed twice, an hour apart at least and not fetched since the first time.
create or replace temp table judged as
select
    answers.* exclude (state),
    -- An answer is void where the post was fetched, or asked for again, after it; a proof stands.
    if(answers.state = 'unknown_gone' and answers.checked_at <= posts.fetched_at, null, answers.state) as state,
    if(checks.missed_at > posts.fetched_at or posts.post_id is null, checks.missed_at, null) as missed_at,
    posts.post_id is not null as is_stored,
    coalesce(answers.checked_at >= checks.checked_at, true) as is_newest
from answers
left join posts using (post_id)
left join checks using (post_id)
where answers.post_id not in (select post_id from tombstones)
qualify row_number() over (
    partition by answers.post_id order by coalesce(answers.state != 'unknown_gone', false) desc, answers.checked_at desc
) = 1;

create or replace temp table gone as
select post_id, platform, native_id, state
from judged
where state != 'unknown_gone' or state = 'unknown_gone' and is_newest and checked_at >= missed_at + interval 1 hour;

-- An absence is noted of a post that is not stored too: it may be purged, and the store built anew from its files.
delete from checks where post_id in (select post_id from judged where is_newest);
insert into checks by name
select post_id, checked_at, if(state is null, null, coalesce(missed_at, checked_at)) as missed_at
from judged
where is_newest and (is_stored or state is not null)
