select name, setting, unit, vartype, pending_restart
from pg_catalog.pg_settings
where ({every} and vartype in ('bool', 'integer', 'real')
        -- Our own session sets these, and what others have is not to be seen from it.
        and name not in ('lock_timeout', 'statement_timeout', 'default_transaction_read_only',
            'transaction_read_only', 'client_connection_check_interval'))
    or pending_restart
    or name in ('shared_buffers', 'effective_cache_size', 'work_mem', 'maintenance_work_mem', 'max_wal_size',
        'random_page_cost', 'seq_page_cost', 'max_worker_processes', 'max_parallel_workers',
        'log_min_duration_statement', 'autovacuum_freeze_max_age', 'max_locks_per_transaction',
        'max_prepared_transactions')
