-- title: Share of voice
-- chart: line x=week y=share series=brand
-- Each brand's part of the counted mentions of a week (from Monday, UTC), in percent of n_all.
with weeks as (
    select date_trunc('week', day)::date as week, brand, sum(n_tagged + n_untagged)::bigint as n
    from daily_mentions
    group by all
), roles as (
    select brand, min(role) as role from queries group by brand
)
select
    week, brand, role, n,
    (sum(n) over (partition by week))::bigint as n_all,
    round(100.0 * n / nullif(sum(n) over (partition by week), 0), 1) as share
from weeks left join roles using (brand)
order by week, brand
