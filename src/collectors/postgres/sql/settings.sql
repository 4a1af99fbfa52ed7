select name, setting, unit, vartype, pending_restart
from pg_catalog.pg_settings
where vartype in ('bool', 'integer', 'real') or pending_restart
