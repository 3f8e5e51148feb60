-- From the first of the days in `touched` to the end of the last; null when there are none.
select min(day)::timestamp, (max(day) + 1)::timestamp from touched
