-- Before 17 one view had what the checkpointer does as well.
select b.*, extract(epoch from b.stats_reset) as reset_at from pg_catalog.pg_stat_bgwriter b
