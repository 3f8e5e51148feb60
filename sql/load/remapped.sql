-- What could not be mapped once and is mapped now is no reject any more.
delete from rejects
where source = $source and query = $query and stage = 'collect'
    and payload in (select raw from raw_rows where outcome = 'mapped')
