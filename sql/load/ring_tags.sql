-- The tags of a changed post replace those it had.
delete from ring_tags
where posted_at between $since and $until and post_id in (select post_id from changes);

insert into ring_tags by name
select
    post_id, posted_at, tag.ring, tag.sentiment, tag.score, tag.evidence_start, tag.evidence_end, tag.facets,
    tag.target, classifier, classifier_version as version, $batch_id as batch_id
from (select *, unnest(rings) as tag from changes)
order by posted_at
