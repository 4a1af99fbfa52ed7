select count(*) as segments, sum(size) as size
from pg_catalog.pg_ls_waldir()
where name ~ '^[0-9A-F]{24}$'
