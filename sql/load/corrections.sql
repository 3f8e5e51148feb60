-- The corrections as the file has them now; posts whose correction came, changed or went are `unsettled`.
-- Reads correction_rows, which the loader registers.
create or replace temp table unsettled as
select post_id from (select post_id, version from correction_rows except select post_id, version from corrections)
union
select post_id from (select post_id, version from corrections except select post_id, version from correction_rows);

delete from corrections;
insert into corrections by name from correction_rows
