use super::super::api::Summary;
use super::super::container::Naming;
use super::*;

fn of(name: &str, service: &str, image: &str) -> Container {
    let (project, service) = service.split_once('/').unwrap_or_default();
    let label = |key: &str, value: &str| (format!("com.docker.compose.{key}"), value.to_owned());
    let summary = Summary {
        id: "ab".into(),
        names: vec![format!("/{name}")],
        image: image.into(),
        labels: [label("project", project), label("service", service)].into(),
        ..Summary::default()
    };
    Container::of(summary, &Naming::default()).unwrap()
}

fn exclude(patterns: &[&str]) -> Arc<Exclude> {
    let texts: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
    let (exclude, wrong) = Exclude::new(&texts);
    assert_eq!(wrong, []);
    exclude.into()
}

fn key(project: &str, service: &str) -> Life {
    (project.to_owned(), service.to_owned())
}

#[test]
fn a_container_is_called_by_name_service_project_and_image() {
    let db = || of("shop-db-1", "shop/db", "registry:5000/team/postgres:16");
    for (pattern, is) in [
        ("shop-db-1", true),
        ("shop-*", true),
        ("db", true),
        ("shop/db", true),
        ("shop/*", true),
        // A word alone is no project: a service may be called so.
        ("shop", false),
        ("d", false),
        ("postgres", false),
        ("image:*/postgres", true),
        ("image:registry:5000/team/postgres:16", true),
        ("image:registry:5000/team/postgres", true),
        ("image:registry:5000/*", true),
        ("image:registry", false),
        ("image:*:15", false),
        ("image:db", false),
    ] {
        let mut aside = Aside::new(&exclude(&[pattern]), Vec::new());
        assert_eq!(aside.takes(&db()), is, "{pattern}");
        assert_eq!(aside.containers, u64::from(is), "{pattern}");
    }
}

#[test]
fn repositories() {
    for (image, want) in [
        ("postgres:16", "postgres"),
        ("a:5000/b", "a:5000/b"),
        ("a:5000/b:1@sha256:ff", "a:5000/b"),
        ("b@sha256:ff", "b"),
        ("", ""),
    ] {
        assert_eq!(repository(image), want);
    }
}

#[test]
fn patterns_that_cannot_be_meant() {
    let texts = ["", "image:", "*", "*/*", "a", "[", "a", "image:a"].map(str::to_owned);
    let (exclude, wrong) = Exclude::new(&texts);
    let wrong: Vec<_> = wrong.iter().map(|(index, why)| format!("{index}: {why}")).collect();
    assert_eq!(wrong.len(), 6, "{wrong:?}");
    assert!(wrong[2].ends_with("`enabled: false` does that"), "{wrong:?}");
    assert!(wrong[4].starts_with("5: not a pattern: "), "{wrong:?}");
    assert_eq!(wrong[5], "6: is listed twice");
    assert_eq!(exclude.patterns.len(), 2);
}

#[test]
fn each_pattern_is_told_what_it_matches() {
    let mut aside = Aside::new(&exclude(&["shop/*", "db", "shop/never", "wroker"]), Vec::new());
    let mut containers = vec![of("shop-db-1", "shop/db", ""), of("web", "", "")];
    aside.take_from(&mut containers);
    // What the inspection adds to the rest does not count twice what is gone.
    aside.take_from(&mut containers);
    assert_eq!((containers.len(), aside.containers), (1, 1));
    let told = aside.told(&[key("shop", "never"), key("shop", "db")]);
    let told: Vec<_> = told.iter().map(|(text, count)| (text.as_str(), *count)).collect();
    assert_eq!(told, [("shop/*", 2), ("db", 1), ("shop/never", 1), ("wroker", 0)]);
}

#[test]
fn a_service_that_was_left_out_is_remembered() {
    let mut ignored = of("shop-db-1", "shop/db", "");
    ignored.asked.ignored = true;
    let mut aside = Aside::default();
    assert!(aside.takes(&ignored));
    assert!(aside.hides(&key("shop", "db")) && !aside.hides(&key("shop", "api")));
    assert_eq!((aside.of(&key("shop", "db")), aside.services(&[])), (1, vec![key("shop", "db")]));
    // Its container is gone; then another one comes, without the label.
    let mut aside = Aside::new(&Arc::default(), vec![key("shop", "db")]);
    assert!(aside.hides(&key("shop", "db")) && aside.of(&key("shop", "db")) == 0);
    let plain = of("shop-db-1", "shop/db", "");
    assert!(!aside.takes(&plain));
    assert_eq!(aside.services(&[plain]), []);
}

#[test]
fn events_of_what_is_left_out_count_for_nothing() {
    let said = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let exclude = exclude(&["ci-*", "shop/*", "image:runner"]);
    let is = |of: Life, pairs: &[(&str, &str)]| exclude.is_about_event(&of, &said(pairs));
    assert!(is(key("", "ci-1"), &[("name", "ci-1")]));
    assert!(is(key("shop", "db"), &[("name", "shop-db-1")]));
    assert!(is(key("", "x"), &[("name", "x"), ("image", "runner:3")]));
    assert!(is(key("", "x"), &[("name", "x"), ("stack-exporter.ignore", "True")]));
    assert!(!is(key("", "x"), &[("name", "x"), ("stack-exporter.ignore", "false")]));
    assert!(!is(key("", "x"), &[]));
}
