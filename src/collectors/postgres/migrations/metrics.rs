//! The metrics of migrations.

use super::sample::Migration;
use crate::catalogue::metrics;

metrics! { Migration {
    labels { datname = |m| &m.database, schemaname = |m| &m.schema, relname = |m| m.table }
    /// 1 for each revision at which the database is. Source: the table of the tool for migrations.
    gauge stack_postgres_migration_info {revision} [P10] = |m| m.revisions.iter().map(|revision| (revision, 1.0));
    /// Heads at which the database is; absent for tools that have one by design. Source: rows of alembic_version.
    gauge stack_postgres_migration_heads [P10] = |m| m.heads;
    /// Migrations that were applied. Source: rows of the table of the tool.
    gauge stack_postgres_migrations_applied [P10] = |m| m.count;
    /// Migrations that failed and were not set right; absent for tools that do not tell. Source: success in flyway_schema_history and _sqlx_migrations, finished_at and rolled_back_at in _prisma_migrations.
    gauge stack_postgres_migrations_failed [P10] = |m| m.failed;
    /// Whether the database is at the revision that the configuration expects, and at no other; absent where none is expected. Source: migrations in the configuration.
    gauge stack_postgres_migration_expected [P10] = |m| m.expected;
    /// Time since the last migration, in seconds; absent for tools that do not tell. Source: the time in the table of the tool.
    gauge stack_postgres_migration_age_seconds [P10] = |m| m.age;
    /// Whether the monitoring role may read the table. Source: has_table_privilege().
    gauge stack_postgres_migration_readable [P10] = |m| m.readable;
} }
