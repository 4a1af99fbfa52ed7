use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

fn said(access: &Access, url: &str) -> Vec<String> {
    let found = mistakes(access, &SafeUrl::new(url), "url");
    found.into_iter().map(|(key, message)| format!("{key}: {message}")).collect()
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What is wrong with a login at an address, and where that is said.
fn judged(cases: &[(Access, &str, &str)]) {
    for (access, url, wanted) in cases {
        let wanted: Vec<&str> = Some(*wanted).filter(|text| !text.is_empty()).into_iter().collect();
        assert_eq!(said(access, url), wanted, "{access:?}");
    }
}

#[test]
fn every_mistake_of_a_login_has_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(&folder, "good", "hunter2\n");
    let two = file(&folder, "two", "hunter2\nhunter2\n");
    let empty = file(&folder, "empty", "\r\n");
    let own = Access::default;
    let basic = |user: Option<&str>, file: Option<&PathBuf>| Access {
        username: user.map(ToOwned::to_owned),
        password_file: file.cloned(),
        ..own()
    };
    let bearer = |file: &Path| Access { bearer_token_file: Some(file.to_owned()), ..own() };
    let header = |name: &str| Access {
        header_files: BTreeMap::from([(name.to_owned(), good.clone())]),
        ..own()
    };
    let both = Access { password: Some(Secret::new("hunter2")), ..basic(Some("u"), Some(&good)) };
    let at = "http://h";
    judged(&[
        (own(), at, ""),
        (basic(Some("u"), Some(&good)), at, ""),
        (basic(Some("u"), None), at, "username: needs `password_file` or `password`"),
        (basic(None, Some(&good)), at, "password_file: needs `username`"),
        (
            basic(Some("u:v"), Some(&good)),
            at,
            "username: must have no `:` and no control characters",
        ),
        (both, at, "password: must not be set together with `password_file`"),
        (bearer(&folder.path().join("gone")), at, "bearer_token_file: there is no such file"),
        (bearer(&two), at, "bearer_token_file: the file has more than one line"),
        (bearer(&empty), at, "bearer_token_file: the file is empty"),
        (
            bearer(&good),
            "http://u:hunter2@h",
            "url: has a login although another one is set, keep one of them",
        ),
        (header("X-Api-Key"), at, ""),
        (
            header("Authorization"),
            at,
            "header_files.Authorization: use `bearer_token_file` or `username`",
        ),
        (header("Host"), at, "header_files.Host: is a header of the request itself"),
        (header("a b"), at, "header_files.a b: is no name of a header"),
    ]);
}

#[test]
fn every_mistake_of_tls_has_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(&folder, "good", "hunter2\n");
    let with = |tls: Tls| Access { tls, ..Access::default() };
    let named = |name: &str| with(Tls { server_name: Some(name.to_owned()), ..Tls::default() });
    let at = "https://h";
    judged(&[
        (with(Tls::of_authority(folder.path().join("gone"))), at, "ca_file: there is no such file"),
        (
            with(Tls { cert_file: Some(good.clone()), ..Tls::default() }),
            at,
            "cert_file: needs `key_file`",
        ),
        (named("10.0.0.1"), at, "server_name: expected a name such as `db.example.com`"),
        (named("db.example.com"), at, ""),
        (
            named("db.example.com"),
            "http://h",
            "server_name: is for an address with `https://` only",
        ),
    ]);
    let broken = said(&with(Tls::of_authority(good)), at);
    assert_eq!(broken, ["ca_file: no certificate in it, or a broken one"]);
}

#[tokio::test]
async fn what_is_sent_follows_the_files_and_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let token = file(&folder, "token", "tok1\n");
    let key = file(&folder, "key", "key1");
    let access = Access {
        bearer_token_file: Some(token.clone()),
        header_files: BTreeMap::from([("X-Api-Key".to_owned(), key)]),
        ..Access::default()
    };
    let proof = Proof::new(access, Some(("u".into(), Some(Secret::new("p")))));
    let headers = proof.headers().await.unwrap();
    assert_eq!(headers[AUTHORIZATION], "Bearer tok1");
    assert_eq!(headers["x-api-key"], "key1");
    assert!(!format!("{headers:?}").contains("tok1"), "{headers:?}");
    std::fs::write(&token, "tok2").unwrap();
    assert_eq!(proof.headers().await.unwrap()[AUTHORIZATION], "Bearer tok2");
    std::fs::remove_file(&token).unwrap();
    let failure = proof.headers().await.unwrap_err();
    assert_eq!(failure.reason, Reason::AUTH);
    let wanted = format!("`bearer_token_file` ({}): there is no such file", token.display());
    assert_eq!(failure.detail, wanted);
    assert!(failure.hint.unwrap().contains("as one line"));
    for text in ["hunter\u{1}2", "hunter\n2"] {
        std::fs::write(&token, text).unwrap();
        let failure = proof.headers().await.unwrap_err();
        assert!(failure.detail.contains(text_of(&token)), "{failure}");
        assert!(failure.reason == Reason::AUTH && !failure.detail.contains("hunter"), "{failure}");
    }
    // The login of the address holds where nothing else is said.
    let proof = Proof::new(Access::default(), Some(("u".into(), Some(Secret::new("p")))));
    assert_eq!(proof.headers().await.unwrap()[AUTHORIZATION], "Basic dTpw");
    assert!(proof.advice().contains("the login in the address"));
}

#[test]
fn the_advice_names_the_key_and_the_file() {
    let advice = |access: Access| Proof::new(access, None).advice();
    let file = || Some(PathBuf::from("/run/secrets/x"));
    let user = || Some("monitor".to_owned());
    for (access, words) in [
        (
            Access { bearer_token_file: file(), ..Access::default() },
            ["`bearer_token_file`", "/run/secrets/x"],
        ),
        (
            Access { username: user(), password_file: file(), ..Access::default() },
            ["`password_file`", "/run/secrets/x"],
        ),
        (
            Access {
                username: user(),
                password: Some(Secret::new("hunter2")),
                ..Access::default()
            },
            ["`password`", "reload"],
        ),
        (
            Access {
                header_files: BTreeMap::from([("X-Key".to_owned(), "/run/secrets/x".into())]),
                ..Access::default()
            },
            ["X-Key", "/run/secrets/x"],
        ),
        (Access::default(), ["`username`", "`bearer_token_file`"]),
    ] {
        let said = advice(access);
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
