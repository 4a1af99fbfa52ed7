//! The images of the Engine: how old the one is that runs, and whether its tag means another now.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::api::Image;
use super::client::Client;
use super::container::Container;
use crate::engine::{Found, Pace};
use crate::failure::{Failure, Reason};

/// Events tell of changes; where there are none, this is how late they are seen. A change that could
/// not be read is still owed.
pub const PACE: Pace = Pace {
    every: Duration::from_mins(5),
    again: Duration::ZERO,
    stale_after: None,
    limit: Duration::from_mins(1),
};

#[derive(Debug, Default)]
pub struct Images {
    /// Seconds since 1970, by the image's id.
    created: BTreeMap<String, i64>,
    /// Image by tag.
    tags: BTreeMap<String, String>,
}

/// What is known of the image of a container.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ImageFacts {
    pub created: Option<i64>,
    /// Whether the container's tag now means another image than the one that runs.
    pub outdated: Option<bool>,
}

impl Images {
    pub fn of(list: Vec<Image>) -> Self {
        let mut images = Self::default();
        for image in list {
            if image.created > 0 {
                images.created.insert(image.id.clone(), image.created);
            }
            let tags = image.repo_tags.into_iter().filter(|tag| tag != "<none>:<none>");
            images.tags.extend(tags.map(|tag| (tag, image.id.clone())));
        }
        images
    }

    pub fn of_container(&self, container: &Container) -> ImageFacts {
        let unknown = ImageFacts { created: None, outdated: None };
        let Some(detail) = &container.detail else { return unknown };
        let tagged = self.tags.get(&full(&container.names.image));
        ImageFacts {
            created: self.created.get(&detail.image_id).copied(),
            // An image that was named by its digest stays what it is.
            outdated: tagged.map(|now| *now != detail.image_id),
        }
    }
}

/// `redis` is `redis:latest`; a port of a registry is no tag.
fn full(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains([':', '@']) { name.to_owned() } else { format!("{name}:latest") }
}

/// The present images.
pub async fn read(client: &Client, until: Instant) -> Result<Found<Images>, Failure> {
    let present = client.get::<Vec<Image>>("images", "/images/json", until).await?;
    let missing = (present.dropped > 0).then(|| {
        let detail = format!("images: {} are more than is read", present.dropped);
        Failure::new(Reason::PROTOCOL, detail).hint("docker image prune")
    });
    Ok(Found { value: Images::of(present.value), missing })
}

#[cfg(test)]
mod tests {
    use super::super::api::Summary;
    use super::super::container::Naming;
    use std::sync::Arc;

    use super::super::detail::Detail;
    use super::*;

    fn container(image: &str, id: &str) -> Container {
        let summary = Summary { id: "c".into(), image: image.into(), ..Summary::default() };
        let mut container = Container::of(summary, &Naming::default()).unwrap();
        let detail = Detail { image_id: id.into(), ..Detail::default() };
        container.inspected(Arc::new(detail), false);
        container
    }

    #[test]
    fn a_tag_that_has_moved_on() {
        let image = |id: &str, tags: &[&str], created| Image {
            id: id.into(),
            repo_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            created,
        };
        let images = Images::of(vec![
            image("old", &["<none>:<none>"], 100),
            image("new", &["redis:latest", "host:5000/redis:latest"], 200),
        ]);
        let of = |name: &str, id: &str| images.of_container(&container(name, id));
        assert_eq!(of("redis", "old"), ImageFacts { created: Some(100), outdated: Some(true) });
        assert_eq!(of("redis:latest", "new").outdated, Some(false));
        assert_eq!(of("host:5000/redis", "new").outdated, Some(false));
        let pinned = of("redis@sha256:77", "new");
        assert_eq!((pinned.outdated, pinned.created), (None, Some(200)));
        assert_eq!(of("gone:1", "gone"), ImageFacts { created: None, outdated: None });
    }
}
