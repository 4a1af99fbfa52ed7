//! One reading of each address, and what is shown of it.

use super::{AMBIGUOUS, Fault, Url};
use crate::config::SafeUrl;
use crate::config::secret::UNREADABLE;

#[test]
fn what_is_shown() {
    for (text, want) in [
        ("postgresql://u:hunter2@h:5432/db", "postgresql://u:<secret>@h:5432/db"),
        ("postgres://u:hunter2@h1:1,h2:2/db", "postgres://u:<secret>@h1:1,h2:2/db"),
        ("postgres://u:hun:ter2@h/db", "postgres://u:<secret>@h/db"),
        ("postgres://u@h/db", "postgres://u@h/db"),
        ("postgres://u%40x:hunter2@h/a%2Fb", "postgres://u%40x:<secret>@h/a%2Fb"),
        ("postgres://%2Frun%2Fpg:5433/db", "postgres://%2Frun%2Fpg:5433/db"),
        ("postgres:///db?host=/run", "postgres:///db?host=/run"),
        ("postgres://h/db?user=u&password=hunter2", "postgres://h/db?user=u&password=<secret>"),
        ("postgres://h/db?sslpassword=hunter2", "postgres://h/db?sslpassword=<secret>"),
        ("postgres://h/db?%70assword=hunter2", "postgres://h/db?<secret>"),
        ("postgres://h/db?hunter2&options=-c%20x=hunter2", "postgres://h/db?<secret>"),
        ("postgres://h/db?sslmode=hunter2", "postgres://h/db?<secret>"),
        ("postgres://h/db?sslmode=require&x=y", "postgres://h/db?sslmode=require&<secret>"),
        ("postgres://h/?password=a?hunter2;b&d&e=1", "postgres://h/?password=<secret>&<secret>"),
        ("postgres://h/app=hunter2", "postgres://h/<secret>"),
        (
            "host=h password=hunter2 sslmode=require",
            "postgresql://?host=h&password=<secret>&sslmode=require",
        ),
        ("host=h password='hun ter2'", "postgresql://?host=h&password=<secret>"),
        ("password = 'it\\'s hunter2'  host = h", "postgresql://?password=<secret>&host=h"),
        ("https://u:hunter2@h/x?a=1", "https://<secret>@h/x?<secret>"),
        ("https://hunter2@h/x", "https://<secret>@h/x"),
        ("https://hun:ter2:x@h/x", "https://<secret>@h/x"),
        ("https://hunter2:@h/x", "https://<secret>@h/x"),
        ("redis://:hunter2@h:6379/0", "redis://<secret>@h:6379/0"),
        ("http://h/x?API_KEY=hunter2&b=2;c=3", "http://h/x?API_KEY=<secret>&<secret>"),
        ("http://h/#access_token=hunter2", "http://h/#<secret>"),
        ("http://h/api/v1/queue_stats", "http://h/api/v1/queue_stats"),
        ("http://h/bot1234567:AAhunter2/getMe", "http://h/<secret>/getMe"),
        ("http://h/services/T0HUNTER2/XyzAbc", "http://h/services/<secret>/XyzAbc"),
        ("http://[::1]:9090/metrics", "http://[::1]:9090/metrics"),
        ("http://h/x?token=", "http://h/x?token="),
        ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
    ] {
        let url = SafeUrl::new(text);
        assert_eq!(url.to_string(), want, "{text}");
        assert_eq!(format!("{url:?}"), want);
        assert_eq!(format!("{:?}", url.parse()), format!("Ok({want})"));
        assert_eq!(serde_json::to_string(&url).unwrap(), format!("\"{want}\""));
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (text, fault) in [
        // The newcomer's address: the password ends at the first `@` or at the last one.
        ("postgresql://monitor:Sup3r@Secret/Pw@127.0.0.1:25432/app", Fault::Ambiguous),
        ("postgres://u:hun@ter2@h/db", Fault::Ambiguous),
        ("postgres://u:hunter2/3@h/db", Fault::Ambiguous),
        ("postgres://u:hunter2?3@h/db", Fault::Ambiguous),
        ("postgres://u:hunter2#3@h/db", Fault::Ambiguous),
        ("postgres://u:1/hunter2@h/db", Fault::Ambiguous),
        ("postgres://hunter2/x@h/db", Fault::Ambiguous),
        ("postgres://h/db#hunter2", Fault::Ambiguous),
        ("postgres://h/hunter2/db", Fault::Ambiguous),
        ("postgres://h/db?user=u@hunter2", Fault::Ambiguous),
        ("postgres://a:b@h1,c:hunter2@h2/db", Fault::Ambiguous),
        ("postgres://h/db?password=a&user=hunter2&user=u", Fault::Ambiguous),
        ("postgres://u@h/db?password=a&user=hunter2", Fault::Ambiguous),
        ("postgres://h/db?password=a&%64bname=hunter2", Fault::Ambiguous),
        ("host=h password=a host=hunter2", Fault::Ambiguous),
        ("http://u:hun@ter2@h/", Fault::Ambiguous),
        ("http://u:hunter2/@h/", Fault::Ambiguous),
        ("tcp://u:hunter2?@h:2375", Fault::Ambiguous),
        ("postgres://u:hunter2", Fault::Host),
        ("postgres://u:hunter2/db", Fault::Host),
        ("postgres://u:99999/db", Fault::Host),
        ("postgres://u%40hunter2/db", Fault::Host),
        ("postgres://[hunter2]/db", Fault::Host),
        ("postgres://[::1/db", Fault::Host),
        ("postgres://h,/db", Fault::Host),
        ("http://%2Fhunter2/", Fault::Host),
        ("unix://u:hunter2@h", Fault::Host),
        ("http://u:hunter2 @h/", Fault::Character),
        ("http://u:hun\tter2@h/", Fault::Character),
        ("http://u:hun\\ter2@h/", Fault::Character),
        ("postgres://u:%FFhunter2@h/", Fault::Encoding),
        ("postgres://u:%00hunter2@h/", Fault::Encoding),
        ("host=h password=hunter2 x", Fault::Shape),
        ("host=h password=a hunter2=b", Fault::Ambiguous),
        ("password='hunter2", Fault::Ambiguous),
        ("password='hun'ter2", Fault::Ambiguous),
        ("hunter2", Fault::Shape),
        ("hunter2=1", Fault::Shape),
        ("hunter2:x@h", Fault::Shape),
        ("h\u{202e}unter2://h", Fault::Shape),
        ("", Fault::Shape),
    ] {
        assert_eq!(Url::parse(text).err(), Some(fault), "{text}");
        assert_eq!(SafeUrl::new(text).to_string(), UNREADABLE);
        assert!(!fault.to_string().contains("hunter2"));
    }
    assert!(AMBIGUOUS.contains("percent-encode @ : / # ? in the password, or use password_file"));
}

#[test]
fn pieces_are_decoded_once() {
    let url = Url::parse("postgresql+asyncpg://u%40x:p%2540%3A/w@h").err();
    assert_eq!(url, Some(Fault::Ambiguous));
    let url = Url::parse("postgresql+asyncpg://u%40x:p%2540%3A%zz@h/a%20b?x=%3D&y").unwrap();
    assert_eq!(url.user.as_deref(), Some("u@x"));
    // As for every driver, a `%` that encodes nothing is a `%`.
    assert_eq!(url.password.as_ref().map(crate::config::Secret::expose), Some("p%40:%zz"));
    let parameters = url.parameters().unwrap();
    assert_eq!(parameters, [("x".to_owned(), "=".to_owned()), ("y".to_owned(), String::new())]);
    assert_eq!(url.query_text(), "x=%3D&y");
    assert!(url.is_database());
}
