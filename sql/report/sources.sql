-- What was asked of each source for these brands since the beginning, and what became of it.
with days as (
    select
        source, sum(n_asked)::bigint as n_asked, sum(n_fetched)::bigint as n_fetched, sum(n_mapped)::bigint as n_mapped,
        sum(n_rejected)::bigint as n_rejected, sum(n_unmatched)::bigint as n_unmatched,
        sum(n_known)::bigint as n_known, sum(n_new)::bigint as n_new, sum(n_deleted)::bigint as n_deleted,
        sum(n_duplicate)::bigint as n_duplicate, sum(n_noise)::bigint as n_noise, sum(n_tagged)::bigint as n_tagged,
        sum(n_untagged)::bigint as n_untagged, sum(n_unknown_language)::bigint as n_unknown_language
    from trends.coverage
    where brand in (select unnest($brands::varchar[]))
    group by source
)
select * from days order by source
