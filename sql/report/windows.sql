-- The days that the report speaks of, each window beside the days before it.
-- period: the report's own. Without $until it ends on the last day with a mention; with $period_days = 0 it is all
--   there is, compared with nothing.
-- course: the points of the charts, $n_steps of them a step apart, the last one being the period. Each is as long as
--   the period, so that a figure of the chart rests on as much as the figure it leads to.
-- step: each single step, beside the four steps before it, to find what came and went.
-- A step is a week; where the period is all there is, the steps divide it evenly.
with span as (
    select min(day) as first_day, coalesce($until::date, max(day)) as last_day
    from daily_mentions
    where brand in (select unnest($brands::varchar[])) and n > 0
), lengths as (
    select
        *, $period_days::integer as n_period,
        if(n_period = 0, greatest(7, ceil((last_day - first_day + 1) / $n_steps)), 7)::integer as n_step
    from span
), steps as (
    select last_day - n_step * range::integer as last_day, n_step, greatest(n_step, n_period) as n_course
    from lengths cross join range($n_steps::integer)
), windows as (
    select 'period' as kind, if(n_period = 0, first_day, last_day - n_period + 1) as first_day, last_day, n_period as n_before
    from lengths
    union all
    select 'course', last_day - n_course + 1, last_day, 0 from steps
    union all
    select 'step', last_day - n_step + 1, last_day, 4 * n_step from steps
)
select
    row_number() over (order by kind, last_day) as number, kind, first_day, last_day,
    if(n_before = 0, null, first_day - n_before) as previous_first_day,
    if(n_before = 0, null, first_day - 1) as previous_last_day
from windows
order by number
