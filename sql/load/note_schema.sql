-- The store now has the schema of the file of this number.
insert into meta values ($schema_version, now() at time zone 'UTC')
