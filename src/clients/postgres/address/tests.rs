//! Addresses as applications and the environment have them.

use super::*;

fn parse(text: &str) -> Address {
    Address::parse(&SafeUrl::new(text)).unwrap_or_else(|failure| panic!("{text}: {failure}"))
}

#[test]
fn addresses_from_parts() {
    for (parts, want) in [
        (["db", "5432", "u", "app"], "u db:5432/app"),
        (["/run/pg", "5433", "u@x", "a/b"], "u@x /run/pg:5433/a/b"),
        (["::1", "5432", "u", "база"], "u [::1]:5432/база"),
        (["db1,db2", "1,2", "u", "app"], "u db1:1,db2:2/app"),
    ] {
        let [host, port, user, database] = parts;
        let address = parse(&Address::url(host, port, user, database, "prefer"));
        assert_eq!(format!("{} {address}", address.user), want);
    }
    for host in ["postgresql://u:hunter2@h/db", "u:hunter2@h", "h?password=hunter2", "/x\ny"] {
        let message = mistake(&SafeUrl::new(Address::url(host, "5432", "u", "d", "prefer")));
        assert!(message.is_some_and(|message| !message.contains("hunter2")), "{host}");
    }
    let name = Address::url("db", "5432", "u", "postgresql://u:hunter2@h/db", "prefer");
    assert!(mistake(&SafeUrl::new(name)).is_some_and(|message| !message.contains("hunter2")));
}

#[test]
fn addresses_of_applications() {
    for (url, want) in [
        ("postgresql+asyncpg://u:p@db:5555/app", "u db:5555/app false"),
        ("postgres://u@db/app?sslmode=verify-full&pool_size=5", "u db:5432/app true"),
        ("postgresql+asyncpg://u@db/app?ssl=require", "u db:5432/app true"),
        ("postgresql://u@[::1]:5433/app", "u [::1]:5433/app false"),
        ("postgresql://app", "postgres app:5432/postgres false"),
        ("postgresql:///app?host=/run/postgresql&user=u", "u /run/postgresql:5432/app false"),
        ("postgresql://u@%2Frun%2Fpostgresql:5433/app", "u /run/postgresql:5433/app false"),
        ("postgresql:///app", "postgres 127.0.0.1:5432/app false"),
        ("postgresql://u@:5433/app", "u 127.0.0.1:5433/app false"),
        ("postgresql://u%40x:p%2Fw@db/a%20b", "u@x db:5432/a b false"),
        // The driver knows but the first two of these words.
        ("postgresql://u@db/app?target_session_attrs=primary", "u db:5432/app false"),
        ("postgresql://u@a:1,b:2/app?target_session_attrs=any", "u a:1,b:2/app false"),
        ("postgresql://u@a,b/app?port=6000", "u a:6000,b:6000/app false"),
        ("postgresql://u@db/app?hostaddr=10.0.0.1", "u db:5432/app false"),
        ("host=db user=u password='p w' dbname=app sslmode=require", "u db:5432/app true"),
        ("dbname=app hostaddr=10.0.0.1 port=1", "postgres 10.0.0.1:1/app false"),
    ] {
        let address = parse(url);
        assert_eq!(
            format!("{} {address} {}", address.user, address.encryption.mode >= Mode::Require),
            want,
            "{url}"
        );
    }
    for url in [
        "mysql://u@db/app",
        "postgres://u@db:hunter2/a",
        "postgres://u@db/app?sslmode=hunter2",
        "postgres://u@db/app?port=hunter2",
        "postgres://u@db/app?hostaddr=hunter2",
        "postgres://u@db/app?target_session_attrs=hunter2",
        "postgres://u@db/app?require_auth=hunter2",
        "postgres://u@db/app?channel_binding=hunter2",
        "postgres://u@a,b/app?port=1,2,3",
        "postgres://u@db/app?dbname=password%3Dhunter2",
        "",
    ] {
        let message = mistake(&SafeUrl::new(url)).unwrap_or_else(|| panic!("{url} is none"));
        assert!(!message.contains("hunter2"), "{message}");
    }
}

/// What is shown and what the driver is told are the same pieces, whatever bytes they have.
#[test]
fn the_driver_is_told_what_was_parsed() {
    let text = "postgresql://mon%40itor:Sup3r%40Secret%2FPw%3A%23%3F%25@db:25432/app";
    let address = parse(text);
    let config = address.config(address.password(), true);
    assert_eq!(config.get_user(), Some("mon@itor"));
    assert_eq!(config.get_password(), Some(&b"Sup3r@Secret/Pw:#?%"[..]));
    assert_eq!(config.get_dbname(), Some("app"));
    let options = config.get_options().unwrap_or_default();
    assert!(options.ends_with("-c default_transaction_read_only=on"), "{options}");
    assert!(options.contains("-c search_path=pg_catalog,pg_temp"), "{options}");
    // Else every server would say that it is read-only.
    let address = parse("postgresql://u@db/app?target_session_attrs=read-write&options=-c%20a%3D1");
    let config = address.config(address.password(), true);
    let options = config.get_options().unwrap_or_default();
    assert!(options.starts_with("-c a=1 -c lock"), "{options}");
    assert!(!options.contains("read_only"), "{options}");
}

#[test]
fn an_address_with_two_readings_is_refused_without_a_word_of_it() {
    let url = SafeUrl::new("postgresql://monitor:Sup3r@Secret/Pw@127.0.0.1:25432/app");
    let message = mistake(&url).unwrap_or_default();
    assert_eq!(
        message,
        "it can be read in more than one way: percent-encode @ : / # ? in the password, or use \
         password_file"
    );
}
