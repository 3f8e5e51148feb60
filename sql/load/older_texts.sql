-- An edit makes a version: what a changed post said until now is kept, and so is an older text that arrives late or in
-- one batch with its edit; where the platform's terms allow it. Other counts, such as likes, are no edit.
-- Reads retention_rows, which the loader registers.
create or replace temp table told as
select
    posts.post_id, posts.posted_at, posts.version, posts.edited_at, posts.fetched_at, posts.title, posts.text, posts.terms
from posts
join changes using (post_id)
where posts.posted_at between $since and $until
union all
select raw.post_id, arrivals.posted_at, raw.version, raw.edited_at, raw.fetched_at, raw.title, raw.text, raw.terms
from raw_rows as raw
join arrivals using (post_id)
where raw.outcome = 'mapped';

create or replace temp table counting as
select arrivals.post_id, coalesce(changes.text, posts.text) as text
from arrivals
left join changes using (post_id)
left join posts on posts.post_id = arrivals.post_id and posts.posted_at between $since and $until;

insert into post_versions by name
select distinct on (told.post_id, told.text) told.* exclude (terms), $batch_id as batch_id
from told
left join retention_rows as retention using (terms)
where coalesce(retention.keeps_versions, true)
    and (told.post_id, told.text) not in (from counting)
    and not exists (
        from post_versions as kept
        where kept.post_id = told.post_id and kept.text = told.text and kept.posted_at between $since and $until
    )
order by told.post_id, told.text, told.fetched_at desc;

-- Edited back.
delete from post_versions as old
where old.posted_at between $since and $until and (old.post_id, old.text) in (from counting)
