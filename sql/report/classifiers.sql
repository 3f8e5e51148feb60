-- Which classifiers, in which version, read the posts of the period.
select p.classifier, p.classifier_version as version, count(distinct p.post_id) as n_posts
from posts as p
join mentions as m on m.post_id = p.post_id and m.posted_at = p.posted_at
where m.brand in (select unnest($brands::varchar[]))
    and m.posted_at >= $first_day::date and m.posted_at < $last_day::date + 1
group by p.classifier, p.classifier_version
order by n_posts desc, p.classifier, version
