-- title: Coverage
-- chart: bar x=day y=n_new series=source
-- What was asked and what became of it, per source, query and day. The sums always hold:
-- n_fetched = n_mapped + n_rejected; n_mapped = n_unmatched + n_known + n_new;
-- n_new = n_deleted + n_duplicate + n_noise + n_tagged + n_untagged. n_deleted left because their platform took them
-- back; n_unknown_language is a part of n_untagged.
with asked as (
    select
        day, source, query,
        sum(n_asked)::bigint as n_asked, sum(n_fetched)::bigint as n_fetched, sum(n_mapped)::bigint as n_mapped,
        sum(n_rejected)::bigint as n_rejected, sum(n_unmatched)::bigint as n_unmatched,
        sum(n_known)::bigint as n_known, sum(n_new)::bigint as n_new, sum(n_deleted)::bigint as n_deleted
    from coverage_ledger
    group by all
), became as (
    select
        day, source, query,
        sum(n_duplicate)::bigint as n_duplicate, sum(n_noise)::bigint as n_noise, sum(n_tagged)::bigint as n_tagged,
        sum(n_untagged)::bigint as n_untagged, sum(n_unknown_language)::bigint as n_unknown_language
    from daily_mentions
    group by all
)
select
    day, source, query, queries.brand,
    coalesce(n_asked, 0) as n_asked, coalesce(n_fetched, 0) as n_fetched, coalesce(n_mapped, 0) as n_mapped,
    coalesce(n_rejected, 0) as n_rejected, coalesce(n_unmatched, 0) as n_unmatched, coalesce(n_known, 0) as n_known,
    coalesce(n_new, 0) as n_new, coalesce(n_deleted, 0) as n_deleted, coalesce(n_duplicate, 0) as n_duplicate,
    coalesce(n_noise, 0) as n_noise, coalesce(n_tagged, 0) as n_tagged, coalesce(n_untagged, 0) as n_untagged,
    coalesce(n_unknown_language, 0) as n_unknown_language
from asked
full join became using (day, source, query)
left join queries using (query)
order by day, source, query
