//! Which file systems can no longer be written to though they could, or are meant to be.

use std::collections::HashSet;

use crate::clients::kernel::mounts;

/// File systems that have been seen as writable, by device and mount point.
#[derive(Default)]
pub struct Writable(HashSet<(String, String)>);

impl Writable {
    /// For each, by device and mount point, whether it has turned read-only; `None` where it is not known whether
    /// it is. `fstab` says how file systems are meant to be, also when the exporter came later.
    pub fn note<'a>(
        &mut self,
        fstab: &[u8],
        mounts: impl Iterator<Item = (&'a str, &'a str, Option<bool>)>,
    ) -> Vec<Option<bool>> {
        let meant: HashSet<String> = mounts::parse(fstab)
            .filter(|mount| !mount.read_only)
            .map(|mount| mount.mountpoint)
            .collect();
        let known = std::mem::take(&mut self.0);
        let turned = |(device, mountpoint, read_only): (&str, &str, Option<bool>)| {
            let key = (device.to_owned(), mountpoint.to_owned());
            let was = known.contains(&key);
            if was || read_only == Some(false) {
                self.0.insert(key);
            }
            read_only.map(|read_only| read_only && (was || meant.contains(mountpoint)))
        };
        mounts.map(turned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_written_to_has_turned() {
        let fstab = b"# <file system> <mount point>\nUUID=1 / ext4 errors=remount-ro 0 1\n/dev/cd /cd iso9660 ro 0 0\n";
        let mut writable = Writable::default();
        let mut note = |states: [(&'static str, Option<bool>); 4]| {
            writable
                .note(fstab, states.into_iter().map(|(mountpoint, state)| ("d", mountpoint, state)))
        };
        // One that is meant to be writable and never was, one that never was, and an image.
        let first =
            note([("/", Some(true)), ("/a", Some(false)), ("/b", Some(true)), ("/cd", Some(true))]);
        assert_eq!(first, [Some(true), Some(false), Some(false), Some(false)]);
        let second =
            note([("/", None), ("/a", Some(true)), ("/b", Some(false)), ("/cd", Some(true))]);
        assert_eq!(second, [None, Some(true), Some(false), Some(false)]);
        // It stays so.
        let third =
            note([("/", Some(false)), ("/a", Some(true)), ("/b", Some(true)), ("/cd", None)]);
        assert_eq!(third, [Some(false), Some(true), Some(true), None]);
    }
}
