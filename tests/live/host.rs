//! The host, against what the kernel says. [H04 H06 H10]

use crate::servers::run;
use crate::world::world;

#[test]
fn memory_load_and_disks_are_the_kernels() {
    run(async {
        let scrape = world().await.exporter().scrape().await;
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kilobytes: f64 = total.trim().trim_end_matches(" kB").parse().unwrap();
        let ours = scrape.value("node_memory_MemTotal_bytes{target=\"host\"}");
        assert_eq!(ours, Some(kilobytes * 1024.0), "{}", scrape.body);
        assert!(scrape.value("node_load1{target=\"host\"}").is_some());
        let root = scrape.body.lines().find(|line| {
            line.starts_with("node_filesystem_size_bytes{") && line.contains("mountpoint=\"/\"")
        });
        let root = root.unwrap_or_else(|| panic!("no root file system: {}", scrape.body));
        let statvfs = rustix::fs::statvfs("/").unwrap();
        let size: f64 = root.rsplit(' ').next().unwrap().parse().unwrap();
        let kernel = u32::try_from(statvfs.f_blocks / 4096).map_or(0.0, f64::from) * 4096.0;
        let block = u32::try_from(statvfs.f_frsize).map_or(0.0, f64::from);
        assert!(
            (size / block - kernel).abs() < 4097.0,
            "{size} in blocks of {block} against {kernel}"
        );
        let inodes = scrape.body.lines().any(|line| line.starts_with("node_filesystem_files{"));
        assert!(inodes, "inodes are counted");
    });
}
