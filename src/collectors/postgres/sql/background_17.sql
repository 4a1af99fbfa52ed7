-- The names that dashboards read stay, from where the numbers went.
select b.buffers_clean, b.maxwritten_clean, b.buffers_alloc,
    extract(epoch from b.stats_reset) as reset_at,
    c.num_timed as checkpoints_timed, c.num_requested as checkpoints_req,
    c.write_time as checkpoint_write_time, c.sync_time as checkpoint_sync_time,
    c.buffers_written as buffers_checkpoint,
    i.writes as buffers_backend, i.fsyncs as buffers_backend_fsync,
    extract(epoch from c.stats_reset) as checkpointer_reset_at, c.*
from pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_checkpointer c,
    (select sum(writes) as writes, sum(fsyncs) as fsyncs from pg_catalog.pg_stat_io
        where object = 'relation'
            and backend_type not in ('background writer', 'checkpointer', 'startup')) i
