-- Siefert's balance: how the attention and the sentiment of the period divide among the three kinds of innovation.
select
    brand, lens,
    (select string_agg(ring, ', ' order by position) from rings as parts where parts.lens = rings.lens) as rings,
    sum(n)::bigint as n,
    (sum(sum(n)) over (partition by brand))::bigint as n_all,
    round(100 * sum(n) / sum(sum(n)) over (partition by brand))::integer as share,
    if(sum(n) >= $floor, round(100 * (sum(n_positive) - sum(n_negative)) / sum(n))::integer, null) as net_sentiment
from trends.ring_daily
join rings using (ring)
where brand in (select unnest($brands::varchar[])) and day between $first_day::date and $last_day::date
group by brand, lens
order by brand, lens
