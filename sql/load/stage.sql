-- Puts the posts of one batch beside their tags, each post once (the latest fetch wins).
-- Reads raw_rows and tag_rows, which the loader registers; a post that is there twice has tags for each of its texts,
-- so that rows are matched by their number, not by their post.
create or replace temp table arrivals as
select
    raw.* exclude (outcome, raw, reason, place, lang),
    coalesce(tag.lang, raw.lang) as lang, tag.sentiment, tag.sentiment_score, tag.rings,
    if(raw.is_own and not list_contains(tag.noise, 'brand_own'), list_append(tag.noise, 'brand_own'), tag.noise) as noise,
    coalesce(tag.benefits, []) as benefits, coalesce(tag.signals, []) as signals,
    tag.classifier, tag.version as classifier_version
from raw_rows as raw
join tag_rows as tag on tag.row_number = raw.row_number
qualify row_number() over (partition by raw.post_id order by raw.fetched_at desc, raw.row_number desc) = 1;
