-- Of what is said of the posts in `unsettled`, what counts: a person's correction, else what the classifier in use says,
-- else what counts now. `switched` holds the readings that are to take another's place, `outgoing` those posts of which
-- the other is to be kept.
insert into other_readings by name
select
    posts.post_id, posts.posted_at, posts.lang, corrections.sentiment, 1 as sentiment_score, []::varchar[] as noise,
    []::varchar[] as benefits, []::varchar[] as signals,
    [
        {
            'ring': tag.ring, 'sentiment': tag.sentiment, 'score': 1, 'evidence_start': 0,
            'evidence_end': length(posts.text), 'facets': tag.facets, 'target': null::varchar
        } for tag in corrections.rings
    ] as rings,
    'human' as classifier, corrections.version, 'corrections' as batch_id
from posts
join corrections using (post_id)
where posts.posted_at between $since and $until and posts.post_id in (from unsettled)
    and (posts.classifier != 'human' or posts.classifier_version != corrections.version);

create or replace temp table switched as
with ranked as (
    select
        other.*, posts.classifier as outgoing_classifier,
        case
            when other.classifier = 'human' then 2
            when other.classifier = in_use.classifier and other.version = in_use.version then 1
            else 0
        end as rank,
        case
            when posts.classifier = 'human' then if(posts.classifier_version = corrections.version, 2, -1)
            when posts.classifier = in_use.classifier and posts.classifier_version = in_use.version then 1
            else 0
        end as outgoing_rank
    from other_readings as other
    join posts on posts.post_id = other.post_id and posts.posted_at between $since and $until
    left join in_use on true
    left join corrections on corrections.post_id = other.post_id
    where other.posted_at between $since and $until and other.post_id in (from unsettled)
)
select * exclude (rank, outgoing_rank)
from ranked
where rank > outgoing_rank
qualify row_number() over (partition by post_id order by rank desc, classifier, version desc) = 1;

create or replace temp table outgoing as select post_id from switched where outgoing_classifier != 'human'
