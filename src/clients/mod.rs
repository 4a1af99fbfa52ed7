//! Ways to talk to sources that more than one collector uses. I/O only, no metric names.

pub mod access;
pub mod anybody;
pub mod engine;
pub mod folder;
pub mod fresh;
pub mod host_name;
pub mod http;
pub mod json;
pub mod kernel;
pub mod post;
pub mod postgres;
pub mod redis;
pub mod tls;
pub mod way;
