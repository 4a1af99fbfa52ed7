//! What is shipped, as an administrator has it: the Debian package is made from the release binary, and
//! installed, run, upgraded, rolled back, removed and purged in a throwaway copy of this machine (packaging/try.sh).

use std::process::Command;

use serde_json::Value;

use crate::hostile;
use crate::servers::{text, watchdog};

/// The compressor is the fastest: its work is dpkg's affair, not ours.
fn script(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(format!("{}/packaging/{name}", env!("CARGO_MANIFEST_DIR")))
        .args(arguments)
        .env("DPKG_DEB_COMPRESSOR_TYPE", "gzip")
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "1")
        .output()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{name}: {told}");
    told
}

#[test]
fn the_package_comes_and_goes_as_administrators_expect() {
    let dir = watchdog::dir("install");
    let into = |name: &str| text(&dir.join(name)).to_owned();
    let (first, again) = (into("first"), into("again"));
    let binary = text(hostile::binary()).to_owned();
    for folder in [&first, &again] {
        script("release.sh", &["--into", folder, "--binary", &binary, "--no-image"]);
    }
    // The same bytes each time.
    let sums = std::fs::read_to_string(dir.join("first/SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 3, "{sums}");
    assert_eq!(sums, std::fs::read_to_string(dir.join("again/SHA256SUMS")).unwrap());
    let file = |ending: &str| {
        let line =
            sums.lines().find(|line| line.ends_with(ending)).unwrap_or_else(|| panic!("{sums}"));
        format!("{first}/{}", line.split_whitespace().last().unwrap())
    };
    let libraries: Value =
        serde_json::from_slice(&std::fs::read(file(".cdx.json")).unwrap()).unwrap();
    let names = libraries["components"].as_array().unwrap().iter().map(|one| &one["name"]);
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    assert!(names.contains(&"rustls") && !names.contains(&"tempfile"), "{names:?}");
    let told = script("try.sh", &[&file(".deb")]);
    assert!(told.contains("rolled back, removed, purged"), "{told}");
}
