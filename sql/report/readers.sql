-- Whose readings the snapshot holds, each a classifier@version.
select distinct classifier || '@' || version as name from other_readings
union
select distinct classifier || '@' || classifier_version from posts
order by name
