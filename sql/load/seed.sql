-- The taxonomy as the code spells it and the config as it is now, for joins and reports.
-- Reads ring_rows, facet_rows, query_rows and target_rows, which the loader registers.
delete from rings;
insert into rings by name from ring_rows;
delete from facets;
insert into facets by name from facet_rows;
delete from queries where query in (select query from query_rows);
insert into queries by name from query_rows;
delete from targets;
insert into targets by name from target_rows
