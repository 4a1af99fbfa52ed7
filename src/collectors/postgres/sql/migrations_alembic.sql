select m.version_num as revision, count(*) over () as heads from only {table} m order by 1 limit 20
