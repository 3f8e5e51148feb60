-- The three most frequent reasons why a source's items could not be kept.
select source, reason, count(*) as n
from rejects
where query in (select query from queries where brand in (select unnest($brands::varchar[])))
group by source, reason
qualify row_number() over (partition by source order by n desc, reason) <= 3
order by source, n desc, reason
