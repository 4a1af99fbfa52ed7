//! The Docker Engine, or Podman: where it is, how it is asked, what its failures mean. Nothing here
//! sends anything but GET.

pub mod address;
pub mod api;
pub mod client;
pub mod failure;
pub mod time;
pub mod transport;
