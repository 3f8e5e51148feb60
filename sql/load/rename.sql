-- A brand that the config spells otherwise now is renamed in what is stored; the mentions of the brands concerned are
-- folded anew, because two queries may have become one brand's, or one brand's two. Reads query_rows, which the loader
-- registers, beside the queries of the last load; leaves the days concerned in `touched`.
create or replace temp table renamed as
select new.query, new.brand, old.brand as old_brand
from query_rows as new
join queries as old on old.query = new.query and old.brand != new.brand;

update mentions set brand = renamed.brand from renamed where renamed.query = mentions.query;

create or replace temp table refolded as
with keyed as (
    select post_id, query, brand, posted_at, min(text_key) over (partition by brand, post_id) as text_key
    from mentions
    where brand in (select brand from renamed union select old_brand from renamed)
), chained as (
    select
        *,
        case when posted_at <= (lag(posted_at) over same) + interval 28 days then 0 else 1 end as is_first
    from keyed
    window same as (partition by brand, text_key order by posted_at, post_id, query)
), chains as (
    select *, sum(is_first) over (partition by brand, text_key order by posted_at, post_id, query) as chain from chained
)
select
    post_id, query, posted_at, first_value(post_id) over copies as first_id, row_number() over copies as position
from chains
window copies as (partition by brand, text_key, chain order by posted_at, post_id, query);

update mentions set duplicate_of = if(refolded.position = 1, null, refolded.first_id)
from refolded
where refolded.post_id = mentions.post_id and refolded.query = mentions.query;

create or replace temp table touched as select distinct posted_at::date as day from refolded
