-- The posts that stand for each claim (a ring of a brand in a window): the $n_posts most engaged with of those that
-- praise and of those that blame, those that the classifier is sure of first. A post stands once in a window, for the
-- ring of which it is surest.
with claims as (
    select unnest($claims::struct(
        number integer, brand varchar, ring varchar, first_day date, last_day date
    )[], recursive := true)
), told as (
    select distinct on (number, brand, posts.post_id) claims.number, posts.*
    from trends.top_posts as posts
    join claims using (brand, ring)
    where posts.day between claims.first_day and claims.last_day and posts.sentiment in ('positive', 'negative')
    order by posts.score desc
)
select
    number as window, brand, ring, sentiment, post_id, platform, posted_at, engagement, url, text, evidence_start,
    evidence_end
from told
qualify row_number() over (
    partition by number, brand, ring, sentiment order by score >= 0.5 desc, engagement desc, posted_at desc, post_id
) <= $n_posts
order by number, brand, ring, sentiment, score >= 0.5 desc, engagement desc, posted_at desc, post_id
