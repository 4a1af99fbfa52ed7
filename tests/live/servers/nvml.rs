//! A stand-in for NVIDIA's library, compiled here, and a file that says what happens to its GPUs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::watchdog;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/gpu/nvml.c");

/// UUIDs of its GPUs.
pub const FIRST: &str = "GPU-00000000-1111-2222-3333-444444444444";
pub const SECOND: &str = "GPU-11111111-2222-3333-4444-555555555555";

pub struct Nvml {
    pub dir: PathBuf,
    pub library: PathBuf,
}

impl Nvml {
    /// # Panics
    /// Without a C compiler.
    pub fn new(name: &str) -> Self {
        let dir = watchdog::dir(name);
        let library = dir.join("libnvidia-ml.so.1");
        let nvml = Self { dir, library };
        nvml.say("");
        nvml.build(&[]);
        nvml
    }

    pub fn build(&self, more: &[&str]) {
        let control = format!("-DCONTROL=\"{}\"", self.dir.join("control").display());
        let fresh = self.dir.join("fresh.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&fresh).arg(control).args(more).arg(SOURCE);
        let output = compiler.output();
        let output = output.unwrap_or_else(|error| {
            panic!("no C compiler (cc: {error}): install the package gcc, as `sh .ci/setup` does")
        });
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(fresh, &self.library).unwrap();
    }

    /// What happens from now on, whole at once.
    pub fn say(&self, words: &str) {
        let beside = self.dir.join("beside");
        fs::write(&beside, words).unwrap();
        fs::rename(beside, self.dir.join("control")).unwrap();
    }

    /// As an installation would leave it: the same library, a later time.
    pub fn touch(&self) {
        let file = fs::File::options().append(true).open(&self.library).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
    }

    /// A program in the place of `nvidia-smi`.
    pub fn program(&self, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.dir.join("nvidia-smi");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

/// A document that is in the shape of one of `nvidia-smi`.
pub fn document(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/gpu")
        .join(case)
        .join("nvidia-smi.xml")
}
