-- What each claim (a ring of a brand in a window) is about: the facets of its tags. pull is how many points of the
-- ring's net sentiment come from tags of that facet; a tag with two facets pulls in both.
with claims as (
    select unnest($claims::struct(
        number integer, brand varchar, ring varchar, first_day date, last_day date
    )[], recursive := true)
), tags as (
    select distinct on (number, brand, ring, posts.post_id)
        number, brand, ring, posts.sentiment, list_distinct(posts.facets) as facets
    from trends.top_posts as posts
    join claims using (brand, ring)
    where posts.day between claims.first_day and claims.last_day
), sized as (
    select *, count(*) over (partition by number, brand, ring) as n_claim from tags
), spread as (
    select * exclude (facets), unnest(facets) as facet from sized
)
select
    number as window, brand, ring, facet,
    count(*) as n,
    count(*) filter (sentiment = 'positive') as n_positive,
    count(*) filter (sentiment = 'negative') as n_negative,
    round(100 * (n_positive - n_negative) / any_value(n_claim))::integer as pull
from spread
group by number, brand, ring, facet
order by number, brand, ring, n desc, facet
