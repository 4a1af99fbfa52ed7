-- What is installed in this database against what the server's files would install: they move on with the image.
select pg_catalog.current_database() as database, e.extname, e.extversion, a.default_version as available,
    e.extversion <> a.default_version as outdated,
    count(*) over () as total, count(*) filter (where e.extversion <> a.default_version) over () as total_outdated
from pg_catalog.pg_extension e left join pg_catalog.pg_available_extensions a on a.name = e.extname
order by e.extversion <> a.default_version desc nulls last, e.extname limit 50
