//! Why a database cannot be read, beside the reasons that everybody has. All by SQLSTATE and by the
//! routine of the server that refused: its texts are in the language of whoever set it up.

use crate::failure::reasons;

reasons! {
    /// The server takes this role from here over TLS only.
    TLS_REQUIRED = "tls_required";
    /// No line of pg_hba.conf lets this role into this database from here.
    NO_HBA = "no_hba";
    /// There is no such database, or nobody can connect to it any more.
    NO_DATABASE = "no_database";
    /// All connections that the server allows are taken.
    SERVER_FULL = "too_many_connections";
    /// All connections that the database allows are taken.
    DATABASE_FULL = "too_many_connections_database";
    /// All connections that the exporter's own role is allowed are taken.
    ROLE_FULL = "too_many_connections_role";
    /// The server starts up, or recovers from a crash.
    STARTING_UP = "starting_up";
    /// The server shuts down.
    SHUTTING_DOWN = "shutting_down";
    /// A standby had to end the query to go on replaying.
    RECOVERY_CONFLICT = "recovery_conflict";
    /// A pooler stands between, and it is what refuses or keeps waiting.
    POOLER = "pooler";
    /// The query waited for a lock that it did not get in time.
    LOCK_TIMEOUT = "lock_timeout";
    /// The server could not execute the query.
    QUERY = "query";
}
