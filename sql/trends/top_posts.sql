-- title: Posts behind the figures
-- A row per counted mention and ring tag, without the tags that are about another brand: the evidence is what the tag
-- rests on, engagement the sum of the platform's own counts of what people did (likes, replies, shares; not views).
select
    m.posted_at::date as day,
    date_trunc('week', m.posted_at)::date as week,
    m.brand, t.ring, t.sentiment, t.score,
    coalesce(list_sum([e.value for e in map_entries(p.metrics) if e.key not in ('views', 'impressions')]), 0)::bigint
        as engagement,
    m.post_id, m.platform, p.url, m.posted_at, p.text,
    substring(p.text, t.evidence_start + 1, t.evidence_end - t.evidence_start) as evidence,
    t.evidence_start, t.evidence_end, t.facets
from mentions as m
join posts as p on p.post_id = m.post_id and p.posted_at = m.posted_at
join ring_tags as t on t.post_id = m.post_id and t.posted_at = m.posted_at
where m.duplicate_of is null and len(p.noise) = 0
    and coalesce((select brand from queries where query = t.target), m.brand) = m.brand
order by m.posted_at desc, m.post_id, t.ring
