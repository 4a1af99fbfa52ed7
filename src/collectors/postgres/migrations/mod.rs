//! What tools for migrations say of the database: the revision it is at, heads, and migrations that failed.
//!
//! | tool | table | tells |
//! |---|---|---|
//! | Alembic | `alembic_version` | heads |
//! | Django | `django_migrations` | how many, the last one, when |
//! | Flyway | `flyway_schema_history` | how many, failed ones, the last one, when |
//! | sqlx | `_sqlx_migrations` | the same |
//! | Prisma | `_prisma_migrations` | the same; one that has not ended counts as failed |
//! | Diesel | `__diesel_schema_migrations` | how many, the last one, when |
//!
//! They are found by name and columns, in any schema. What the owner of a database defines must not run as our
//! role, so only a plain table is read: no view, no row-level security, no types but those of the server. A lock
//! keeps it such while it is read; reading it needs no more.

mod config;
mod fetch;
mod metrics;
mod sample;
#[cfg(test)]
mod tests;

pub use config::{Migrations, mistakes};
pub use fetch::Reader;
pub use sample::{Migration, Said, of};
