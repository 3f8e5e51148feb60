-- How many posts left with the answers that were judged last.
select count(*) from gone
