-- The database that unqualified names mean now.
select current_database()
