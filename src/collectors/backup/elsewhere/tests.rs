use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;

use super::*;
use crate::clients::folder::Pattern;

fn places(root: &Path) -> Places {
    let pattern = format!("{}/backups/%Y-%m-%d/db.gz", root.display());
    Places {
        files: vec![Pattern::new(&pattern).unwrap()],
        kind: None,
        newer_than: Vec::new(),
        stamp: None,
        copies: vec![root.join("nas")],
        expires: None,
        smallest: 1,
        within: Duration::from_hours(2),
    }
}

/// A folder a day is one there too: each is looked for in its own. [F02]
#[test]
fn copies_lie_below_the_fixed_folder() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let put = |path: &str, text: &str, age: u64| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(age)).unwrap();
    };
    put("backups/2026-01-02/db.gz", "newer", 5);
    put("backups/2026-01-01/db.gz", "older", 29);
    put("nas/2026-01-01/db.gz", "older", 1);
    let (places, state) = (places(&root), Mutex::new(State::default()));
    let copied = || {
        places.look(&state);
        let state = state.lock().unwrap();
        assert!(state.look.newest.iter().all(|seen| !state.past.grows(seen.id)));
        let of = state.to_find(places.within, SystemTime::now());
        let found = places.elsewhere(&of);
        (found.value.copies.into_values().collect::<Vec<_>>(), found.missing.is_some())
    };
    assert_eq!(copied(), (vec![Some(0)], false), "the one of the same size is that of another day");
    put("nas/2026-01-02/db.gz", "newer", 1);
    assert_eq!(copied(), (vec![Some(1)], false));
    // What cannot be looked into is not known: neither there nor missing.
    std::fs::remove_dir_all(root.join("nas")).unwrap();
    std::fs::write(root.join("nas"), "no folder").unwrap();
    std::fs::set_permissions(root.join("nas"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(copied(), (vec![None], true));
}
