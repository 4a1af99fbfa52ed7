//! Why Redis could not be read, beyond what all sources have.

use crate::failure::reasons;

reasons! {
    /// Redis still loads its data and answers nothing else.
    LOADING = "loading";
    /// Redis has as many clients as it may have (`maxclients`) and took no more.
    CLIENTS = "too_many_clients";
    /// A script of a client holds Redis up.
    SCRIPT = "script";
}
