-- title: Rings by week
-- chart: line x=week y=net_sentiment series=ring
-- As ring_daily, by week from Monday (UTC), beside the calendar week before; change is in points of net
-- sentiment, null when nothing was said the week before.
with weeks as (
    select
        date_trunc('week', day)::date as week, brand, ring,
        sum(n)::bigint as n,
        sum(n_positive)::bigint as n_positive,
        sum(n_neutral)::bigint as n_neutral,
        sum(n_negative)::bigint as n_negative,
        round(100.0 * (sum(n_positive) - sum(n_negative)) / sum(n), 1) as net_sentiment,
        round((100.0 * sum(n_positive) + 50.0 * sum(n_neutral)) / sum(n), 1) as experience_score
    from daily_rings
    group by all
    having sum(n) > 0
)
select
    this.*,
    coalesce(before.n, 0) as previous_n,
    before.net_sentiment as previous_net_sentiment,
    round(this.net_sentiment - before.net_sentiment, 1) as change
from weeks as this
left join weeks as before
    on before.week = this.week - 7 and before.brand = this.brand and before.ring = this.ring
order by this.week, this.brand, this.ring
