use super::*;

fn ports(all: impl IntoIterator<Item = (&'static str, u16)>) -> Ports {
    let mut ports = Ports::default();
    for (address, container) in all {
        let (address, container) = (address.to_owned(), container.into());
        ports.take(&Port { address, container, host: Some(1), protocol: "tcp".into() });
    }
    ports
}

fn judged(address: &'static str, container: u16, policy: &[(u16, &str)]) -> (&'static str, bool) {
    let policy = policy.iter().map(|(port, text)| (*port, Allowed::parse(text).unwrap()));
    let found = published(&ports([(address, container)]), &policy.collect());
    (found[0].address, found[0].exposed)
}

#[test]
fn databases_are_not_public() {
    assert_eq!(judged("0.0.0.0", 27017, &[]), ("any", true));
    assert_eq!(judged("::", 6333, &[]), ("any", true));
    assert_eq!(judged("127.0.0.1", 5432, &[]), ("loopback", false));
    assert_eq!(judged("::1", 5432, &[]), ("loopback", false));
    assert_eq!(judged("192.168.1.5", 5432, &[]), ("private", true));
    assert_eq!(judged("0.0.0.0", 443, &[]), ("any", false));
    assert_eq!(judged("", 5432, &[]), ("any", true));
}

#[test]
fn the_configuration_says_what_is_allowed() {
    assert_eq!(judged("0.0.0.0", 5432, &[(5432, "any")]), ("any", false));
    assert_eq!(judged("10.1.2.3", 5432, &[(5432, "private")]), ("private", false));
    assert_eq!(judged("0.0.0.0", 3000, &[(3000, "loopback")]), ("any", true));
    let vpn = [(5432, "10.8.0.0/24, 100.64.0.0/10, fd00::/8")];
    assert_eq!(judged("10.8.0.7", 5432, &vpn), ("private", false));
    assert_eq!(judged("100.99.1.1", 5432, &vpn), ("private", false));
    assert_eq!(judged("fd00::7", 5432, &vpn), ("private", false));
    assert_eq!(judged("10.9.0.7", 5432, &vpn), ("private", true));
    assert_eq!(judged("127.0.0.1", 5432, &vpn), ("loopback", false));
    for wrong in ["", "all", "10.0.0.0/33", "10.0.0.0/8,"] {
        assert_eq!(Allowed::parse(wrong), None, "{wrong}");
    }
    assert!(Network::of("0.0.0.0/0").unwrap().contains("9.9.9.9".parse().unwrap()));
}

#[test]
fn one_row_for_each_class() {
    let both = published(&ports([("0.0.0.0", 80), ("::", 80)]), &Policy::new());
    assert_eq!(both.len(), 1);
    let mixed = published(&ports([("127.0.0.1", 5432), ("0.0.0.0", 5432)]), &Policy::new());
    assert_eq!(mixed.iter().filter(|one| one.exposed).count(), 1);
}

#[test]
fn all_ports_are_a_few_rows() {
    let of = |ports: &Ports| published(ports, &Policy::new());
    let both = ["0.0.0.0", "::"].into_iter();
    let all = ports(both.flat_map(|address| (1..=65_000).map(move |port| (address, port))));
    assert_eq!((all.count(), all.more), (130_000, 0));
    let rows = of(&all);
    assert!(rows.len() <= RANGES + 1, "{}", rows.len());
    let exposed: Vec<_> = rows.iter().filter(|row| row.exposed).collect();
    assert!(exposed.iter().any(|row| row.port == "5432-5433/tcp"), "{exposed:?}");
    let rest: Vec<_> = rows.iter().filter(|row| row.port.contains("ports)")).collect();
    assert_eq!(rest.len(), 1, "{rows:?}");
    assert!(rest[0].port.ends_with("-65000/tcp (55902 ports)"), "{rest:?}");
    let few = of(&ports((8000..8100).map(|port| ("127.0.0.1", port))));
    assert_eq!(few.len(), 1, "{few:?}");
    assert_eq!(of(&ports((8000..8024).map(|port| ("", port)))).len(), EACH, "as they are");
    let odd = ports((0..5000).step_by(2).map(|port| ("", port)));
    let mut names: Vec<_> = of(&odd).into_iter().map(|row| (row.port, row.address)).collect();
    let rows = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), rows, "each is there once");
}

#[test]
fn what_is_no_port_is_counted() {
    let of = |json: serde_json::Value| serde_json::from_value::<Ports>(json).unwrap();
    let port = |address: String, container: i64| serde_json::json!({ "IP": address, "PrivatePort": container, "PublicPort": 1 });
    let odd = of([-1, 65_536, 80, i64::MIN].map(|n| port(String::new(), n)).to_vec().into());
    assert_eq!((odd.count(), odd.more), (1, 3));
    let many = (0..1000).map(|n| port(format!("10.0.{}.{}", n / 250, n % 250), 80));
    let many = of(many.collect::<Vec<_>>().into());
    assert_eq!((many.count() as u64, many.more), (ADDRESSES as u64, 1000 - ADDRESSES as u64));
    let unpublished = of(serde_json::json!([{ "PrivatePort": 8080, "Type": "tcp" }]));
    assert_eq!((unpublished.count(), unpublished.more), (0, 0));
}
