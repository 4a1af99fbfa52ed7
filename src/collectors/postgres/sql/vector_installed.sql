select e.extversion as version from pg_catalog.pg_extension e where e.extname = 'vector'
