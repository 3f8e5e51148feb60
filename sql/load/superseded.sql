-- A batch brings a reading of each changed post. What counted until now is put with the others if it is of the same
-- text and by another classifier; readings of another text, and an older one by the same classifier, are void.
create or replace temp table unsettled as select post_id from changes;

create or replace temp table outgoing as
select posts.post_id
from posts
join changes as new on new.post_id = posts.post_id and new.version = posts.version
where posts.posted_at between $since and $until and posts.classifier != 'human'
    and (posts.classifier != new.classifier or posts.classifier_version != new.classifier_version);

delete from other_readings as old
where old.posted_at between $since and $until and exists (
    from changes as new
    join posts on posts.post_id = new.post_id and posts.posted_at between $since and $until
    where new.post_id = old.post_id
        and (new.version != posts.version or new.classifier = old.classifier and new.classifier_version = old.version)
)
