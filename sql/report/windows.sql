-- The days that the report speaks of, each window beside the days before it: number 0 is the report's period, 1 to
-- $n_steps are the steps of the charts, the last of them ending with the period.
-- Without $until the period ends on the last day with a mention. With $period_days = 0 it is all there is, compared
-- with nothing, and the steps divide it evenly; otherwise a step is a week.
with span as (
    select min(day) as first_day, coalesce($until::date, max(day)) as last_day
    from daily_mentions
    where brand in (select unnest($brands::varchar[])) and n > 0
), lengths as (
    select *, if($period_days = 0, greatest(7, ceil((last_day - first_day + 1) / $n_steps)), 7)::integer as n_days
    from span
), windows as (
    select
        0 as number,
        if($period_days = 0, first_day, last_day - $period_days::integer + 1) as first_day,
        last_day,
        if($period_days = 0, null, $period_days::integer) as n_days_before
    from span
    union all
    select
        $n_steps::integer - range::integer, last_day - n_days * (range::integer + 1) + 1,
        last_day - n_days * range::integer, n_days
    from lengths cross join range($n_steps::integer)
)
select
    number, first_day, last_day,
    first_day - n_days_before as previous_first_day,
    first_day - if(n_days_before > 0, 1, null) as previous_last_day
from windows
order by number
