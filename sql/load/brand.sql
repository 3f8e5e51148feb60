-- The brand that a query listens for now: the one it had when a batch was landed may have been renamed since.
select coalesce((select brand from queries where query = $query), $brand)
