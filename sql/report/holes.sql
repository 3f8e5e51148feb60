-- Where a comparison may owe something to what was collected and not to what was said, per window and brand:
-- a source that gave one mention in twenty, and five at least, on one side and none on the other; a gap in either;
-- a source that was asked in the window and gave nothing; data that begin only after the days compared do.
with windows as (
    select unnest($windows::struct(
        number integer, kind varchar, first_day date, last_day date, previous_first_day date, previous_last_day date
    )[], recursive := true)
), wanted as (
    select unnest($brands::varchar[]) as brand
), delivered as (
    select
        number, brand, source,
        coalesce(sum(n) filter (day >= first_day), 0)::bigint as n,
        coalesce(sum(n) filter (day < first_day), 0)::bigint as previous_n
    from daily_mentions
    join wanted using (brand)
    join windows on day between coalesce(previous_first_day, first_day) and last_day
    group by all
), shares as (
    select
        *, sum(n) over (partition by number, brand) as n_all,
        sum(previous_n) over (partition by number, brand) as previous_n_all
    from delivered
), begun as (
    select brand, min(day) as begun_on from daily_mentions join wanted using (brand) where n > 0 group by brand
)
select number as window, brand, source, 'stopped' as kind, n, previous_n, null as reason, null::date as day
from shares
where n = 0 and previous_n >= greatest(5, previous_n_all / 20) and n_all > 0
union all
select number, brand, source, 'started', n, previous_n, null, null
from shares
where previous_n = 0 and n >= greatest(5, n_all / 20) and previous_n_all > 0
union all
select number, queries.brand, gaps.source, 'gap', null, null, gaps.reason, max(gaps.since)::date
from gaps
join queries using (query)
join wanted using (brand)
join windows
    on coalesce(gaps.since, '-infinity') < last_day + 1
    and coalesce(gaps.until, 'infinity') >= coalesce(previous_first_day, first_day)
group by number, queries.brand, gaps.source, gaps.reason
union all
select number, brand, source, 'empty', sum(n_asked)::bigint, null, null, null
from trends.coverage
join wanted using (brand)
join windows on day between first_day and last_day
group by number, brand, source
having sum(n_asked) > 0 and sum(n_fetched) = 0
union all
select number, brand, null, 'begun', null, null, null, begun_on
from begun
join windows on begun_on > previous_first_day and begun_on <= previous_last_day
order by number, brand, kind, source, reason
