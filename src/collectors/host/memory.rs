//! Memory: `/proc/meminfo`, as `node_exporter` tells it.

use crate::catalogue::metrics;
use crate::clients::kernel::meminfo::Meminfo;
use crate::failure::{Failure, Reason};

#[derive(Default)]
pub struct Memory(Meminfo);

impl Memory {
    pub fn parse(text: &[u8]) -> Result<Self, Failure> {
        let memory = Self(Meminfo::parse(text));
        if memory.bytes("MemTotal").is_some() {
            return Ok(memory);
        }
        Err(Failure::new(Reason::PARSE, "/proc/meminfo: there is no `MemTotal`"))
    }

    fn bytes(&self, name: &str) -> Option<u64> {
        self.0.bytes(name)
    }

    /// Part of the memory that no program could get any more.
    fn used_ratio(&self) -> Option<f64> {
        let (total, available) = (self.bytes("MemTotal")?, self.bytes("MemAvailable")?);
        (total > 0).then(|| 1.0 - available as f64 / total as f64)
    }

    /// Of a machine without swap there is no part.
    fn swap_used_ratio(&self) -> Option<f64> {
        let (total, free) = (self.bytes("SwapTotal")?, self.bytes("SwapFree")?);
        (total > 0).then(|| 1.0 - free as f64 / total as f64)
    }
}

metrics! { Memory {
    labels {}
    /// Part of the memory that programs can no longer get, as a ratio. Source: /proc/meminfo MemAvailable, MemTotal.
    gauge stack_host_memory_used_ratio [H06 H04] = |m| m.used_ratio();
    /// Used part of the swap space as a ratio; absent where there is none. Source: /proc/meminfo SwapTotal, SwapFree.
    gauge stack_host_swap_used_ratio [H06] = |m| m.swap_used_ratio();
    /// Memory of the host in bytes. Source: /proc/meminfo MemTotal.
    gauge node_memory_MemTotal_bytes [H06] = |m| m.bytes("MemTotal");
    /// Memory that nothing uses at all, in bytes; not a measure of what is left. Source: /proc/meminfo MemFree.
    gauge node_memory_MemFree_bytes = |m| m.bytes("MemFree");
    /// Memory that programs could still get without swapping, in bytes. Source: /proc/meminfo MemAvailable.
    gauge node_memory_MemAvailable_bytes [H06] = |m| m.bytes("MemAvailable");
    /// Memory of block device buffers in bytes. Source: /proc/meminfo Buffers.
    gauge node_memory_Buffers_bytes = |m| m.bytes("Buffers");
    /// Memory that holds file contents, in bytes. Source: /proc/meminfo Cached.
    gauge node_memory_Cached_bytes = |m| m.bytes("Cached");
    /// Swapped memory that is in memory again as well, in bytes. Source: /proc/meminfo SwapCached.
    gauge node_memory_SwapCached_bytes = |m| m.bytes("SwapCached");
    /// Memory that was used not long ago, in bytes. Source: /proc/meminfo Active.
    gauge node_memory_Active_bytes = |m| m.bytes("Active");
    /// Memory that was not used for a while, in bytes. Source: /proc/meminfo Inactive.
    gauge node_memory_Inactive_bytes = |m| m.bytes("Inactive");
    /// Memory of programs that was used not long ago, in bytes. Source: /proc/meminfo Active(anon).
    gauge node_memory_Active_anon_bytes = |m| m.bytes("Active(anon)");
    /// Memory of programs that was not used for a while, in bytes. Source: /proc/meminfo Inactive(anon).
    gauge node_memory_Inactive_anon_bytes = |m| m.bytes("Inactive(anon)");
    /// File contents that were used not long ago, in bytes. Source: /proc/meminfo Active(file).
    gauge node_memory_Active_file_bytes = |m| m.bytes("Active(file)");
    /// File contents that were not used for a while, in bytes. Source: /proc/meminfo Inactive(file).
    gauge node_memory_Inactive_file_bytes = |m| m.bytes("Inactive(file)");
    /// Memory that can be neither dropped nor swapped, in bytes. Source: /proc/meminfo Unevictable.
    gauge node_memory_Unevictable_bytes = |m| m.bytes("Unevictable");
    /// Memory that programs have locked, in bytes. Source: /proc/meminfo Mlocked.
    gauge node_memory_Mlocked_bytes = |m| m.bytes("Mlocked");
    /// Swap space in bytes. Source: /proc/meminfo SwapTotal.
    gauge node_memory_SwapTotal_bytes = |m| m.bytes("SwapTotal");
    /// Swap space that is free, in bytes. Source: /proc/meminfo SwapFree.
    gauge node_memory_SwapFree_bytes = |m| m.bytes("SwapFree");
    /// Memory that compressed swap takes, in bytes. Source: /proc/meminfo Zswap.
    gauge node_memory_Zswap_bytes = |m| m.bytes("Zswap");
    /// Memory that is swapped into compressed memory, in bytes. Source: /proc/meminfo Zswapped.
    gauge node_memory_Zswapped_bytes = |m| m.bytes("Zswapped");
    /// Memory that waits to be written to disks, in bytes. Source: /proc/meminfo Dirty.
    gauge node_memory_Dirty_bytes = |m| m.bytes("Dirty");
    /// Memory that is being written to disks, in bytes. Source: /proc/meminfo Writeback.
    gauge node_memory_Writeback_bytes = |m| m.bytes("Writeback");
    /// Memory of programs that no file stands behind, in bytes. Source: /proc/meminfo AnonPages.
    gauge node_memory_AnonPages_bytes = |m| m.bytes("AnonPages");
    /// File contents that programs have mapped, in bytes. Source: /proc/meminfo Mapped.
    gauge node_memory_Mapped_bytes = |m| m.bytes("Mapped");
    /// Shared memory and files in memory (tmpfs), in bytes. Source: /proc/meminfo Shmem.
    gauge node_memory_Shmem_bytes = |m| m.bytes("Shmem");
    /// Kernel memory that can be given back under pressure, with other than slabs, in bytes. Source: /proc/meminfo KReclaimable.
    gauge node_memory_KReclaimable_bytes = |m| m.bytes("KReclaimable");
    /// Memory of the kernel's own structures in bytes. Source: /proc/meminfo Slab.
    gauge node_memory_Slab_bytes = |m| m.bytes("Slab");
    /// Kernel memory that can be given back under pressure, in bytes. Source: /proc/meminfo SReclaimable.
    gauge node_memory_SReclaimable_bytes = |m| m.bytes("SReclaimable");
    /// Kernel memory of structures that cannot be given back, in bytes. Source: /proc/meminfo SUnreclaim.
    gauge node_memory_SUnreclaim_bytes = |m| m.bytes("SUnreclaim");
    /// Memory of the kernel's stacks in bytes; each thread has one. Source: /proc/meminfo KernelStack.
    gauge node_memory_KernelStack_bytes = |m| m.bytes("KernelStack");
    /// Memory of the tables of programs' memory in bytes. Source: /proc/meminfo PageTables.
    gauge node_memory_PageTables_bytes = |m| m.bytes("PageTables");
    /// Memory of secondary page tables, as of virtual machines, in bytes. Source: /proc/meminfo SecPageTables.
    gauge node_memory_SecPageTables_bytes = |m| m.bytes("SecPageTables");
    /// Memory that was sent to a file server and not confirmed, in bytes; always 0 since Linux 5.10. Source: /proc/meminfo NFS_Unstable.
    gauge node_memory_NFS_Unstable_bytes = |m| m.bytes("NFS_Unstable");
    /// Memory of bounce buffers for devices in bytes. Source: /proc/meminfo Bounce.
    gauge node_memory_Bounce_bytes = |m| m.bytes("Bounce");
    /// Memory that FUSE is writing, in bytes. Source: /proc/meminfo WritebackTmp.
    gauge node_memory_WritebackTmp_bytes = |m| m.bytes("WritebackTmp");
    /// Memory that can be promised to programs, in bytes; holds only in the strict mode of overcommitment. Source: /proc/meminfo CommitLimit.
    gauge node_memory_CommitLimit_bytes = |m| m.bytes("CommitLimit");
    /// Memory that is promised to programs, in bytes. Source: /proc/meminfo Committed_AS.
    gauge node_memory_Committed_AS_bytes = |m| m.bytes("Committed_AS");
    /// Address space for vmalloc in bytes. Source: /proc/meminfo VmallocTotal.
    gauge node_memory_VmallocTotal_bytes = |m| m.bytes("VmallocTotal");
    /// Memory that vmalloc uses, in bytes. Source: /proc/meminfo VmallocUsed.
    gauge node_memory_VmallocUsed_bytes = |m| m.bytes("VmallocUsed");
    /// Largest free piece for vmalloc in bytes; always 0 in new kernels. Source: /proc/meminfo VmallocChunk.
    gauge node_memory_VmallocChunk_bytes = |m| m.bytes("VmallocChunk");
    /// Memory of structures for each CPU in bytes. Source: /proc/meminfo Percpu.
    gauge node_memory_Percpu_bytes = |m| m.bytes("Percpu");
    /// Memory that is no longer used because it is broken, in bytes. Source: /proc/meminfo HardwareCorrupted.
    gauge node_memory_HardwareCorrupted_bytes = |m| m.bytes("HardwareCorrupted");
    /// Memory of programs in transparent huge pages, in bytes. Source: /proc/meminfo AnonHugePages.
    gauge node_memory_AnonHugePages_bytes = |m| m.bytes("AnonHugePages");
    /// Shared memory in huge pages, in bytes. Source: /proc/meminfo ShmemHugePages.
    gauge node_memory_ShmemHugePages_bytes = |m| m.bytes("ShmemHugePages");
    /// Shared memory that is mapped as huge pages, in bytes. Source: /proc/meminfo ShmemPmdMapped.
    gauge node_memory_ShmemPmdMapped_bytes = |m| m.bytes("ShmemPmdMapped");
    /// File contents in huge pages, in bytes. Source: /proc/meminfo FileHugePages.
    gauge node_memory_FileHugePages_bytes = |m| m.bytes("FileHugePages");
    /// File contents that are mapped as huge pages, in bytes. Source: /proc/meminfo FilePmdMapped.
    gauge node_memory_FilePmdMapped_bytes = |m| m.bytes("FilePmdMapped");
    /// Memory that is kept for the contiguous memory allocator, in bytes. Source: /proc/meminfo CmaTotal.
    gauge node_memory_CmaTotal_bytes = |m| m.bytes("CmaTotal");
    /// Of the contiguous memory allocator, memory that is free, in bytes. Source: /proc/meminfo CmaFree.
    gauge node_memory_CmaFree_bytes = |m| m.bytes("CmaFree");
    /// Memory that a confidential machine has not accepted yet, in bytes. Source: /proc/meminfo Unaccepted.
    gauge node_memory_Unaccepted_bytes = |m| m.bytes("Unaccepted");
    /// Memory that the hypervisor has taken back, in bytes. Source: /proc/meminfo Balloon.
    gauge node_memory_Balloon_bytes = |m| m.bytes("Balloon");
    /// Huge pages that are set aside. Source: /proc/meminfo HugePages_Total.
    gauge node_memory_HugePages_Total = |m| m.bytes("HugePages_Total");
    /// Huge pages that are set aside and not in use. Source: /proc/meminfo HugePages_Free.
    gauge node_memory_HugePages_Free = |m| m.bytes("HugePages_Free");
    /// Huge pages that are promised and not in use yet. Source: /proc/meminfo HugePages_Rsvd.
    gauge node_memory_HugePages_Rsvd = |m| m.bytes("HugePages_Rsvd");
    /// Huge pages beyond those that are set aside. Source: /proc/meminfo HugePages_Surp.
    gauge node_memory_HugePages_Surp = |m| m.bytes("HugePages_Surp");
    /// Size of a huge page in bytes. Source: /proc/meminfo Hugepagesize.
    gauge node_memory_Hugepagesize_bytes = |m| m.bytes("Hugepagesize");
    /// Memory in huge pages of all sizes in bytes. Source: /proc/meminfo Hugetlb.
    gauge node_memory_Hugetlb_bytes = |m| m.bytes("Hugetlb");
    /// Memory that the kernel has mapped in pages of 4 KiB, in bytes. Source: /proc/meminfo DirectMap4k.
    gauge node_memory_DirectMap4k_bytes = |m| m.bytes("DirectMap4k");
    /// Memory that the kernel has mapped in pages of 2 MiB, in bytes. Source: /proc/meminfo DirectMap2M.
    gauge node_memory_DirectMap2M_bytes = |m| m.bytes("DirectMap2M");
    /// Memory that the kernel has mapped in pages of 1 GiB, in bytes. Source: /proc/meminfo DirectMap1G.
    gauge node_memory_DirectMap1G_bytes = |m| m.bytes("DirectMap1G");
} }
