-- The stretches of time that were not read, by source and reason; a null end is open.
select
    source, reason, count(*) as n,
    if(count(since) = count(*), min(since), null) as since,
    if(count(until) = count(*), max(until), null) as until
from gaps
where query in (select query from queries where brand in (select unnest($brands::varchar[])))
group by source, reason
order by source, reason
