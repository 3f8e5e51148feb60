-- The posts that a person corrected, with the labels that count for them.
select
    posts.text, posts.sentiment,
    coalesce(list(t.ring order by t.ring) filter (t.ring is not null), []) as rings,
    coalesce(list(t.sentiment order by t.ring) filter (t.ring is not null), []) as attitudes,
    coalesce(flatten(list(list_transform(t.facets, lambda facet: t.ring || '.' || facet) order by t.ring)), []) as facets
from posts
left join ring_tags as t using (post_id, posted_at)
where posts.classifier = 'human'
group by posts.post_id, posts.text, posts.sentiment
order by posts.post_id
