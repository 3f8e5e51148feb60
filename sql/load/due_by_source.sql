-- How many posts of each source are in `due`.
select source, count(*) from due group by source order by source
