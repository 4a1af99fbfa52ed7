//! File systems that hold no files.

use std::path::Path;

/// File systems whose files the kernel makes up when they are read (`linux/magic.h`): their sizes
/// lie, so that there is always something left to read, and reading some of them does something.
const MADE_UP: [i64; 17] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0x0027_e0eb, // cgroup
    0x6367_7270, // cgroup2
    0x6265_6570, // configfs
    0x1cd1,      // devpts
    0xcafe_4a11, // bpf
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0xf97c_ff8c, // selinuxfs
    0x6573_5543, // fusectl
    0x1980_0202, // mqueue
    0x4249_4e4d, // binfmt_misc
    0x6759_6969, // rpc_pipefs
];

pub fn is_made_up(path: &Path) -> bool {
    // The type is a machine word whose upper half means nothing.
    #[allow(clippy::unnecessary_cast, reason = "its width depends on the machine")]
    rustix::fs::statfs(path)
        .is_ok_and(|about| MADE_UP.contains(&(about.f_type as i64 & 0xffff_ffff)))
}
