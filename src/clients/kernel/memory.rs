//! Memory in use, and what of it cannot be given back: one formula, whoever tells the figures.
//!
//! What the kernel can take back without swapping is named by its own estimate of it, `MemAvailable`
//! (`Documentation/filesystems/proc.rst`): "calculated from MemFree, SReclaimable, the size of the
//! file LRU lists, and the low watermarks in each zone". So for a control group, whose limit holds for
//! all of its usage:
//!
//! `unreclaimable = usage - inactive_file - active_file - slab_reclaimable`
//!
//! - Taken away from the top, not added up: the limit counts kinds of memory that no figure names
//!   (page tables, per-CPU and vmalloc areas, what the next kernel adds), and the sources name
//!   different ones. The three that are taken away are in each of them, but for the last.
//! - By lists, not by kinds (`anon`, `file`, `shmem`): reclaim goes by the lists, "shmem pages are on
//!   anon memory management lists" (`Documentation/admin-guide/cgroup-v2.rst`), and anonymous memory
//!   that a program has handed back (`MADV_FREE`) is on those of files. What is locked is on neither.
//! - Swap makes no difference: what could be swapped out counts.
//! - It is too high by what the kernel has charged in advance (up to 64 pages a core), and v1 does not
//!   say what slab could be reclaimed, neither by file nor through an Engine: there it counts as
//!   unreclaimable. Without the usage or the lists there is no figure.

/// Bytes, and numbers of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub usage: Option<u64>,
    pub working_set: Option<u64>,
    pub max: Option<u64>,
    pub rss: Option<u64>,
    pub cache: Option<u64>,
    pub mapped: Option<u64>,
    pub swap: Option<u64>,
    /// What the kernel cannot take back.
    pub unreclaimable: Option<u64>,
    /// Times that the limit was hit.
    pub limit_hits: Option<u64>,
    pub faults: Option<u64>,
    pub major_faults: Option<u64>,
}

/// The part of the usage that could be taken back, as the kernel names it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reclaimable {
    pub inactive_file: Option<u64>,
    pub active_file: Option<u64>,
    /// Not told on v1.
    pub slab: Option<u64>,
}

impl Memory {
    /// Works out what is left of the usage without it.
    #[must_use]
    pub fn without(mut self, part: Reclaimable) -> Self {
        let (usage, inactive) = (self.usage, part.inactive_file);
        self.working_set = usage.zip(inactive).map(|(all, idle)| all.saturating_sub(idle));
        self.unreclaimable = self.working_set.zip(part.active_file).map(|(working, active)| {
            working.saturating_sub(active).saturating_sub(part.slab.unwrap_or(0))
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_given_back() {
        let of = |usage, inactive_file, active_file, slab| {
            let part = Reclaimable { inactive_file, active_file, slab };
            let memory = Memory { usage, ..Memory::default() }.without(part);
            (memory.working_set, memory.unreclaimable)
        };
        assert_eq!(of(Some(100), Some(10), Some(20), Some(5)), (Some(90), Some(65)));
        assert_eq!(of(Some(100), Some(10), Some(20), None), (Some(90), Some(70)));
        assert_eq!(of(Some(100), Some(10), None, Some(5)), (Some(90), None));
        assert_eq!(of(Some(100), None, Some(20), Some(5)), (None, None));
        assert_eq!(of(None, Some(10), Some(20), Some(5)), (None, None));
        // Read one after the other, the lists may have grown since.
        assert_eq!(of(Some(100), Some(90), Some(20), Some(u64::MAX)), (Some(10), Some(0)));
    }
}
