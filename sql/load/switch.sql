-- The readings in `switched` count from now on. A correction that no longer does is void: the file is where it is kept.
-- Leaves the days concerned in `touched`.
delete from other_readings as other
where other.posted_at between $since and $until and (
    other.classifier = 'human' or exists (
        from switched as new
        where new.post_id = other.post_id and new.classifier = other.classifier and new.version = other.version
    )
);

update posts set
    lang = new.lang, sentiment = new.sentiment, sentiment_score = new.sentiment_score,
    noise = if(is_own and not list_contains(new.noise, 'brand_own'), list_append(new.noise, 'brand_own'), new.noise),
    benefits = new.benefits, signals = new.signals, classifier = new.classifier, classifier_version = new.version
from switched as new
where posts.post_id = new.post_id and posts.posted_at between $since and $until;

delete from ring_tags where posted_at between $since and $until and post_id in (select post_id from switched);
insert into ring_tags by name
select
    post_id, posted_at, tag.ring, tag.sentiment, tag.score, tag.evidence_start, tag.evidence_end, tag.facets,
    tag.target, classifier, version, batch_id
from (select *, unnest(rings) as tag from switched)
order by posted_at;

create or replace temp table touched as select distinct posted_at::date as day from switched
