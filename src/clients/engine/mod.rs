//! The Docker Engine, or Podman: where it is, how it is asked, what its failures mean. Nothing here
//! sends anything but GET.

pub mod address;
pub mod api;
pub mod client;
pub mod failure;
#[cfg(test)]
pub mod fake;
mod library;
pub mod named;
pub mod time;
pub mod transport;

/// Whether this is an id of a container. It becomes part of paths, of files as well.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}
