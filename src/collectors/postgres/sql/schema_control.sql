-- Which server it is, from its very first start on, whatever its address.
select c.system_identifier, pg_catalog.current_setting('data_checksums') = 'on' as checksums
from pg_catalog.pg_control_system() c
