-- Each ring of each brand in each window, beside the days before it; a figure below the floor is null.
-- low and high: the 95 % interval of Bonett and Price (2012) for the difference of two shares of one sample, where
-- p and q have one tag added each, so that a unanimous handful is not taken for certainty.
-- z is the distance of the two adjusted estimates in standard errors.
-- expected: the tags that a window of this length would have, were the ring spoken of as often as in the days before;
--   null where the brand's data begin within those days. surge_z: the distance of n from it in standard errors, by the
--   binomial test that compares two Poisson rates (Przyborowski and Wilenski, 1940).
-- Figures are whole points, and differences are of the figures shown, so that the page adds up.
with began as (
    select brand, min(day) as first_day from daily_mentions where n > 0 group by brand
), windows as (
    select unnest($windows::struct(
        number integer, kind varchar, first_day date, last_day date, previous_first_day date, previous_last_day date
    )[], recursive := true)
), spans as (
    select number, false as is_before, first_day, last_day from windows
    union all
    select number, true, previous_first_day, previous_last_day from windows
), counts as (
    select
        number, is_before, brand, ring,
        sum(n) as n, sum(n_positive) as n_positive, sum(n_neutral) as n_neutral, sum(n_negative) as n_negative,
        (sum(n_positive) + 1) / (sum(n) + 2) as p,
        (sum(n_negative) + 1) / (sum(n) + 2) as q
    from trends.ring_daily
    join spans on day between first_day and last_day
    group by all
), figures as (
    select
        number, is_before, brand, ring, n, n >= $floor as is_enough,
        if(is_enough, round(100 * (n_positive - n_negative) / n)::integer, null) as net_sentiment,
        if(is_enough, round((100 * n_positive + 50 * n_neutral) / n)::integer, null) as experience_score,
        if(is_enough, 100 * (p - q), null) as centre,
        100 * sqrt((p + q - (p - q) ^ 2) / (n + 2)) as error
    from counts
)
select
    windows.number as window, windows.kind, brands.brand, rings.ring, rings.question,
    windows.first_day, windows.last_day,
    coalesce(now.n, 0)::bigint as n,
    now.net_sentiment,
    if(now.is_enough, greatest(-100, round(now.centre - 1.96 * now.error))::integer, null) as low,
    if(now.is_enough, least(100, round(now.centre + 1.96 * now.error))::integer, null) as high,
    now.experience_score,
    coalesce(before.n, 0)::bigint as previous_n,
    before.net_sentiment as previous_net_sentiment,
    now.net_sentiment - before.net_sentiment as change,
    abs(now.centre - before.centre) / sqrt(now.error ^ 2 + before.error ^ 2) as z,
    round(targets.target)::integer as target,
    now.net_sentiment - round(targets.target)::integer as gap,
    targets.owner,
    if(
        began.first_day <= windows.previous_first_day,
        coalesce(before.n, 0) * (windows.last_day - windows.first_day + 1)
            / (windows.previous_last_day - windows.previous_first_day + 1), null
    ) as expected,
    if(
        now.is_enough and expected is not null,
        (now.n - expected) / sqrt((now.n + coalesce(before.n, 0)) * (windows.last_day - windows.first_day + 1)
            / (windows.previous_last_day - windows.previous_first_day + 1)), null
    ) as surge_z
from (select unnest($brands::varchar[]) as brand) as brands
cross join rings
cross join windows
left join began using (brand)
left join targets using (ring)
left join figures as now
    on now.number = windows.number and now.brand = brands.brand and now.ring = rings.ring and not now.is_before
left join figures as before
    on before.number = windows.number and before.brand = brands.brand and before.ring = rings.ring and before.is_before
order by brands.brand, rings.position, windows.number
