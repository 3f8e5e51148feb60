-- What one batch added, from the ledger that it wrote, and how many posts left with it.
select
    coalesce(sum(n_new), 0)::bigint, coalesce(sum(n_known), 0)::bigint, coalesce(sum(n_rejected), 0)::bigint,
    coalesce(sum(n_unmatched), 0)::bigint, (select count(*) from gone)
from coverage_ledger
where batch_id = $batch_id
