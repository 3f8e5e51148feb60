-- What it does to each ring's trend to count the readings of $after in place of those of $before, each a
-- classifier@version: over the mentions whose post both have read, counted as trends count them (no folded copy, no
-- noise, no tag about another brand); per month where $by_month, else over all the time.
-- share: the tags in percent of the counted mentions. agreement: of the mentions of which either sees the ring, the
-- percentage where both see it with the same sentiment.
with readings as (
    select post_id, posted_at, classifier || '@' || version as reader, noise from other_readings
    union all
    select post_id, posted_at, classifier || '@' || classifier_version, noise from posts
), tags as (
    select
        post_id, posted_at, classifier || '@' || version as reader, tag.ring as ring, tag.sentiment as sentiment,
        (select brand from queries where query = tag.target) as about
    from (select *, unnest(rings) as tag from other_readings)
    union all
    select
        post_id, posted_at, classifier || '@' || version, ring, sentiment,
        (select brand from queries where query = target)
    from ring_tags
), shared as (
    select
        m.post_id, m.posted_at, m.brand, if($by_month, date_trunc('month', m.posted_at)::date, null) as month,
        len(before.noise) = 0 as is_before, len(after.noise) = 0 as is_after
    from mentions as m
    join readings as before
        on before.post_id = m.post_id and before.posted_at = m.posted_at and before.reader = $before
    join readings as after on after.post_id = m.post_id and after.posted_at = m.posted_at and after.reader = $after
    where m.duplicate_of is null
), said as (
    select
        month, rings.ring, rings.position, is_before, is_after,
        if(is_before, before.sentiment, null) as before, if(is_after, after.sentiment, null) as after
    from shared
    cross join rings
    left join tags as before
        on before.post_id = shared.post_id and before.posted_at = shared.posted_at and before.ring = rings.ring
        and before.reader = $before and coalesce(before.about, shared.brand) = shared.brand
    left join tags as after
        on after.post_id = shared.post_id and after.posted_at = shared.posted_at and after.ring = rings.ring
        and after.reader = $after and coalesce(after.about, shared.brand) = shared.brand
), counts as (
    select
        month, ring, any_value(position) as position, count(*) as n_mentions,
        count(before) as n_before, count(after) as n_after,
        round(100 * n_before / nullif(count(*) filter (is_before), 0), 1) as share_before,
        round(100 * n_after / nullif(count(*) filter (is_after), 0), 1) as share_after,
        round(100 * (count(*) filter (before = 'positive') - count(*) filter (before = 'negative'))
            / nullif(n_before, 0), 1) as net_before,
        round(100 * (count(*) filter (after = 'positive') - count(*) filter (after = 'negative'))
            / nullif(n_after, 0), 1) as net_after,
        round((100 * count(*) filter (before = 'positive') + 50 * count(*) filter (before = 'neutral'))
            / nullif(n_before, 0), 1) as score_before,
        round((100 * count(*) filter (after = 'positive') + 50 * count(*) filter (after = 'neutral'))
            / nullif(n_after, 0), 1) as score_after,
        round(100 * count(*) filter (before = after) / nullif(count(*) filter (coalesce(before, after) is not null), 0), 1)
            as agreement
    from said
    group by month, ring
)
-- Differences are of the figures shown, so that the table adds up.
select
    month, ring, n_mentions, n_before, n_after,
    share_before, share_after, round(share_after - share_before, 1) as share_change,
    net_before, net_after, round(net_after - net_before, 1) as net_change,
    score_before, score_after, round(score_after - score_before, 1) as score_change,
    agreement
from counts
order by month, position
