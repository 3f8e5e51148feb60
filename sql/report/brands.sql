-- The brands of the report, in the order asked for; every own brand when none is asked for.
with asked as (
    select unnest($brands::varchar[]) as brand, generate_subscripts($brands::varchar[], 1) as position
)
select brand from asked
union all
(select distinct brand from queries where role = 'own' and len($brands::varchar[]) = 0 order by brand)
