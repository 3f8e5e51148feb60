-- What a recipe says of stored posts, put with the other readings. Reads reading_rows, which the loader registers; a row
-- of a post that has left, of a text that was edited since, or of what counts already, is not taken.
create or replace temp table readings as
select
    new.* exclude (id, text_version)
        replace (coalesce(new.benefits, []) as benefits, coalesce(new.signals, []) as signals),
    posts.post_id, $batch_id as batch_id
from reading_rows as new
join posts on posts.post_id = new.id::bigint and posts.version = new.text_version
where posts.posted_at between $since and $until
    and (posts.classifier != new.classifier or posts.classifier_version != new.version);

delete from other_readings as old
where old.posted_at between $since and $until and exists (
    from readings as new
    where new.post_id = old.post_id and new.classifier = old.classifier and new.version = old.version
);

insert into other_readings by name from readings order by posted_at;

create or replace temp table unsettled as select post_id from readings
