//! What the Engine takes of the disk. The Engine walks through all layers and volumes for it, so
//! it is asked on a slow clock and beside the readings.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::api::{DfSum, DiskUsage, Summary};
use super::client::Client;
use super::container::is_id;
use crate::engine::{Found, Pace};
use crate::failure::{Failure, Reason};

/// A walk through many files takes long; longer than this something hangs.
const LIMIT: Duration = Duration::from_mins(2);

/// Containers whose layers are known.
const LAYERS: usize = 2000;

/// Bytes in use, and of these the ones that nothing needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    pub used: u64,
    pub reclaimable: u64,
}

/// One walk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Walk {
    pub parts: [(&'static str, Option<Part>); 4],
    /// Bytes of each container's own layer.
    pub layers: BTreeMap<String, u64>,
}

impl Walk {
    /// Of lists that are not whole nothing is summed up.
    pub fn of(df: &DiskUsage, whole: bool) -> Self {
        let sum = |sum: &Option<DfSum>| sum.as_ref().map(part);
        // Without lists and without sums nothing is known.
        let listed = df.layers_size.filter(|_| whole).map(|all| images(df, all));
        let images = sum(&df.image_usage).or(listed);
        let listed = images.is_some() && whole;
        let usage = df.container_usage.as_ref().map(|usage| part(&usage.sum));
        let or_listed = |of: &Option<DfSum>, part: Part| sum(of).or(listed.then_some(part));
        Self {
            parts: [
                ("images", images),
                ("containers", usage.or(listed.then_some(containers(df)))),
                ("volumes", or_listed(&df.volume_usage, volumes(df))),
                ("build_cache", or_listed(&df.build_cache_usage, cache(df))),
            ],
            layers: layers(df),
        }
    }
}

/// Up to API 1.52 a list, and from then on another one.
fn layers(df: &DiskUsage) -> BTreeMap<String, u64> {
    let newer = df.container_usage.iter().flat_map(|usage| &usage.items);
    let all = df.containers.iter().chain(newer).filter(|one| is_id(&one.id)).take(LAYERS);
    all.map(|one| (one.id.clone(), size(one.size_rw))).collect()
}

fn part(sum: &DfSum) -> Part {
    Part { used: size(sum.total_size), reclaimable: size(sum.reclaimable) }
}

/// The Engine says -1 where it has not looked.
fn size(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

/// Sizes of a liar are no reason to overflow.
fn total(sizes: impl Iterator<Item = u64>) -> u64 {
    sizes.fold(0, u64::saturating_add)
}

fn images(df: &DiskUsage, all: i64) -> Part {
    let unused = df.images.iter().filter(|image| image.containers == 0);
    let own = unused.map(|image| size(image.size).saturating_sub(size(image.shared_size)));
    Part { used: size(all), reclaimable: total(own) }
}

fn containers(df: &DiskUsage) -> Part {
    let of = |alive: bool| {
        let state = |state: &str| matches!(state, "running" | "paused" | "restarting");
        let some = df.containers.iter().filter(move |one| alive || !state(&one.state));
        total(some.map(|one| size(one.size_rw)))
    };
    Part { used: of(true), reclaimable: of(false) }
}

fn volumes(df: &DiskUsage) -> Part {
    let uses = || df.volumes.iter().filter_map(|volume| volume.usage_data.as_ref());
    let unused = uses().filter(|volume| volume.ref_count == 0);
    Part {
        used: total(uses().map(|volume| size(volume.size))),
        reclaimable: total(unused.map(|volume| size(volume.size))),
    }
}

fn cache(df: &DiskUsage) -> Part {
    let own = || df.build_cache.iter().filter(|entry| !entry.shared);
    Part {
        used: total(own().map(|entry| size(entry.size))),
        reclaimable: total(own().filter(|entry| !entry.in_use).map(|entry| size(entry.size))),
    }
}

/// A walk is dear, and one that is slow must not be begun anew.
pub const fn pace(every: Duration) -> Pace {
    Pace { every, again: every, stale_after: None, limit: LIMIT }
}

/// One walk, and why the sizes of layers are not in it. `on_request`: the Engine lists containers
/// with their sizes only if it is asked to.
pub async fn walk(
    client: &Client,
    on_request: bool,
    until: Instant,
) -> Result<Found<Walk>, Failure> {
    let path = if on_request { "/system/df?verbose=1" } else { "/system/df" };
    let df = client.get::<DiskUsage>("disk usage", path, until).await?;
    let mut walk = Walk::of(&df.value, df.dropped == 0);
    let missing = (df.dropped > 0).then(|| too_large("disk usage", df.dropped));
    if !walk.layers.is_empty() || missing.is_some() {
        return Ok(Found { value: walk, missing });
    }
    let path = "/containers/json?all=true&size=true";
    match client.get::<Vec<Summary>>("sizes of containers", path, until).await {
        Ok(list) => {
            let missing =
                (list.dropped > 0).then(|| too_large("sizes of containers", list.dropped));
            let failure = listed(list.value, &mut walk);
            Ok(Found { value: walk, missing: missing.or(failure) })
        }
        // The sums are known all the same.
        Err(failure) => Ok(Found { value: walk, missing: Some(failure) }),
    }
}

fn too_large(what: &str, dropped: u64) -> Failure {
    let detail = format!("{what}: {dropped} entries are more than is read of an answer");
    Failure::new(Reason::PROTOCOL, detail).hint("docker system prune; docker system df")
}

/// The sizes of a list of containers; it may have none.
fn listed(list: Vec<Summary>, walk: &mut Walk) -> Option<Failure> {
    let containers = list.len();
    let layer = |one: Summary| {
        let one = Some(one).filter(|one| is_id(&one.id))?;
        let written = one.size_rw.or(one.size_root_fs.map(|_| 0))?;
        Some((one.id, size(written)))
    };
    walk.layers = list.into_iter().filter_map(layer).take(LAYERS).collect();
    (containers > 0 && walk.layers.is_empty()).then(|| {
        let detail = format!("sizes of containers: the Engine tells none of {containers}");
        let hint = "container_fs_usage_bytes is absent; a proxy may drop `size` and `verbose`";
        Failure::new(Reason::PROTOCOL, detail).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(json: serde_json::Value) -> Walk {
        Walk::of(&serde_json::from_value(json).unwrap(), true)
    }

    #[test]
    fn lists_of_old_versions_are_summed_up() {
        let walk = walk(serde_json::json!({
            "LayersSize": 1000,
            "Images": [{ "Containers": 0, "Size": 300, "SharedSize": 100 }, { "Containers": 2, "Size": 700, "SharedSize": 100 }],
            "Containers": [{ "Id": "a", "SizeRw": 5, "State": "running" }, { "Id": "b", "SizeRw": 7, "State": "exited" }],
            "Volumes": [{ "UsageData": { "Size": 40, "RefCount": 0 } }, { "UsageData": { "Size": -1, "RefCount": 1 } }, {}],
            "BuildCache": [{ "Size": 90, "InUse": false, "Shared": false }, { "Size": 9, "InUse": true }, { "Size": 900, "Shared": true }]
        }));
        let part = |used, reclaimable| Some(Part { used, reclaimable });
        let wanted = [part(1000, 200), part(12, 7), part(40, 40), part(99, 90)];
        assert_eq!(walk.parts.map(|(_, part)| part), wanted);
        assert_eq!(walk.layers.get("b"), Some(&7));
    }

    #[test]
    fn sums_of_new_versions_are_taken() {
        let sum = |total: i64| serde_json::json!({ "TotalSize": total, "Reclaimable": 1 });
        let walk = walk(serde_json::json!({
            "ImageUsage": sum(10), "ContainerUsage": sum(20), "VolumeUsage": sum(30), "BuildCacheUsage": sum(40)
        }));
        let used = walk.parts.map(|(_, part)| part.map(|part| part.used));
        assert_eq!(used, [Some(10), Some(20), Some(30), Some(40)]);
        assert_eq!(Walk::of(&DiskUsage::default(), true).parts.map(|(_, part)| part), [None; 4]);
    }

    #[test]
    fn sums_of_a_liar() {
        let sizes = vec![serde_json::json!({ "Size": i64::MAX, "Containers": 0 }); 5];
        let json = serde_json::json!({ "LayersSize": i64::MAX, "Images": sizes,
            "BuildCache": sizes, "Containers": [{ "Id": "../x", "SizeRw": 1 }] });
        let walk = walk(json.clone());
        assert_eq!(walk.parts[0].1.map(|part| part.reclaimable), Some(u64::MAX));
        assert_eq!(walk.parts[3].1.map(|part| part.used), Some(u64::MAX));
        assert!(walk.layers.is_empty(), "no id");
        let cut = Walk::of(&serde_json::from_value(json).unwrap(), false);
        assert_eq!(cut.parts.map(|(_, part)| part), [None; 4], "half a list has no sum");
        let sums = serde_json::json!({ "ImageUsage": { "TotalSize": 10 }, "Images": [] });
        let cut = Walk::of(&serde_json::from_value(sums).unwrap(), false);
        let used = cut.parts.map(|(_, part)| part.map(|part| part.used));
        assert_eq!(used, [Some(10), None, None, None]);
    }

    /// As Docker 29 answers with `verbose=1`: a container that has written nothing has no size.
    #[test]
    fn lists_of_new_versions() {
        let items = serde_json::json!([
            { "Id": "a", "SizeRw": 20_971_520, "SizeRootFs": 25_000_000, "State": "running" },
            { "Id": "b", "SizeRootFs": 4_000_000, "State": "exited" },
            { "Id": "c", "SizeRw": -1, "State": null },
        ]);
        let walk = walk(serde_json::json!({
            "ImageUsage": { "TotalSize": 10, "Reclaimable": 1, "Items": [{ "Id": "x", "Size": 10 }] },
            "ContainerUsage": { "TotalSize": 20, "Reclaimable": 1, "ActiveCount": 1, "Items": items },
            "Containers": null
        }));
        assert_eq!(walk.parts[1].1, Some(Part { used: 20, reclaimable: 1 }));
        let sizes: Vec<_> = walk.layers.values().copied().collect();
        assert_eq!(sizes, [20_971_520, 0, 0]);
        for items in [serde_json::json!(null), serde_json::json!([])] {
            let usage = serde_json::json!({ "ContainerUsage": { "TotalSize": 2, "Items": items } });
            assert!(self::walk(usage).layers.is_empty());
        }
    }

    #[test]
    fn sizes_of_the_list_of_containers() {
        let of = |json: serde_json::Value| {
            let mut walk = Walk::default();
            let failure = listed(serde_json::from_value(json).unwrap(), &mut walk);
            (walk.layers.values().copied().collect::<Vec<_>>(), failure.is_some())
        };
        let sized = serde_json::json!([
            { "Id": "a", "SizeRw": 7, "SizeRootFs": 9 }, { "Id": "b", "SizeRootFs": 9 }, { "Id": "c" }
        ]);
        assert_eq!(of(sized), (vec![7, 0], false));
        assert_eq!(of(serde_json::json!([{ "Id": "a" }])), (vec![], true), "told, not left out");
        assert_eq!(of(serde_json::json!([])), (vec![], false));
    }

    #[test]
    fn sizes_that_no_number_holds_end_at_the_largest() {
        let volume = r#"{ "UsageData": { "Size": 9223372036854775807, "RefCount": 1 } }"#;
        let said = format!(r#"{{ "LayersSize": 1, "Volumes": [{volume}, {volume}, {volume}] }}"#);
        let walk = Walk::of(&serde_json::from_str(&said).unwrap(), true);
        assert!(format!("{walk:?}").contains(&u64::MAX.to_string()), "{walk:?}");
    }
}
