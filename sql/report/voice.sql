-- Each brand's part of the counted mentions of the period and of the one before; a share below the floor is null.
with counts as (
    select
        brand,
        coalesce(sum(n_tagged + n_untagged) filter (day >= $first_day::date), 0)::bigint as n,
        coalesce(sum(n_tagged + n_untagged) filter (day < $first_day::date), 0)::bigint as previous_n
    from daily_mentions
    where day between coalesce($previous_first_day::date, $first_day::date) and $last_day::date
    group by brand
), totals as (
    select *, sum(n) over () as n_all, sum(previous_n) over () as previous_n_all from counts
), roles as (
    select brand, min(role) as role from queries group by brand
)
select
    brand, coalesce(role, 'own') as role, n, previous_n, n_all::bigint as n_all,
    if(n_all >= $floor, round(100 * n / n_all)::integer, null) as share,
    if(previous_n_all >= $floor, round(100 * previous_n / previous_n_all)::integer, null) as previous_share
from totals left join roles using (brand)
where n + previous_n > 0
order by n desc, brand
