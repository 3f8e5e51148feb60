-- The reading that counts of the posts in `outgoing` joins the others, before another takes its place.
insert into other_readings by name
with tags as (
    select
        post_id, any_value(batch_id) as batch_id,
        list({
            'ring': ring, 'sentiment': sentiment, 'score': score, 'evidence_start': evidence_start,
            'evidence_end': evidence_end, 'facets': facets, 'target': target
        } order by ring) as rings
    from ring_tags
    where posted_at between $since and $until and post_id in (from outgoing)
    group by post_id
)
select
    posts.post_id, posts.posted_at, posts.lang, posts.sentiment, posts.sentiment_score, posts.noise,
    posts.benefits, posts.signals,
    coalesce(tags.rings, []) as rings, posts.classifier, posts.classifier_version as version,
    coalesce(tags.batch_id, posts.batch_id) as batch_id
from posts
left join tags using (post_id)
where posts.posted_at between $since and $until and posts.post_id in (from outgoing)
