-- title: Rings by day
-- chart: line x=day y=net_sentiment series=ring
-- What the counted mentions of a brand say of each ring, a row per day with any. Net sentiment is
-- %positive - %negative, in -100..100; the experience score is the mean of positive 100, neutral 50, negative 0.
select
    day, brand, ring,
    sum(n)::bigint as n,
    sum(n_positive)::bigint as n_positive,
    sum(n_neutral)::bigint as n_neutral,
    sum(n_negative)::bigint as n_negative,
    round(100.0 * (sum(n_positive) - sum(n_negative)) / sum(n), 1) as net_sentiment,
    round((100.0 * sum(n_positive) + 50.0 * sum(n_neutral)) / sum(n), 1) as experience_score
from daily_rings
group by day, brand, ring
having sum(n) > 0
order by day, brand, ring
