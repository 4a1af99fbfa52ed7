//! What is taken out of a message, and what stays.

use super::mask;

fn masked(message: &str) -> String {
    let mut template = String::from("left over");
    mask(message.as_bytes(), &mut template);
    template
}

#[test]
fn templates() {
    for (message, template) in [
        ("", ""),
        ("   ", ""),
        ("plain words, no data.", "plain words, no data."),
        ("Task 17 failed after 3.5 s", "Task * failed after *"),
        ("429 Too Many Requests", "* Too Many Requests"),
        ("blk_-1608999687919862906 lost", "* lost"),
        ("took [1, 2, 3] and [1]", "took [*] and [*]"),
        ("10.0.0.1:5432 - 10.0.0.2:80 gone", "* - * gone"),
        ("no route to api.telegram.org:443", "no route to *"),
        ("GET https://api.groq.com/v1/x?y=1 said no", "GET https:* said no"),
        ("cannot open /srv/bot/data/index.faiss", "cannot open *"),
        ("and/or yes", "and/or yes"),
        ("relation \"users\" does not exist", "relation \"users\" does not exist"),
        ("KeyError: 'chat id'", "KeyError: '*'"),
        ("can't find 'it's here'", "can't find '*'"),
        ("{\"error\": \"no\", 'code': 5}", "{\"error\": *, 'code': *}"),
        ("sheet \"Лист\": no row", "sheet \"*\": no row"),
        ("{\\\"error\\\": \\\"no\\\"}", "{\"error\": *}"),
        (
            "key=value other=TimeoutError code=ECONNREFUSED x=",
            "key=* other=TimeoutError code=ECONNREFUSED x=",
        ),
        (
            "asyncpg.exceptions.UniqueViolationError raised",
            "asyncpg.exceptions.UniqueViolationError raised",
        ),
        ("Invalid user webmaster from 1.2.3.4", "Invalid user * from *"),
        ("password for invalid user bob from 1.2.3.4", "password for invalid user * from *"),
        ("session opened for user root by (uid=0)", "session opened for user * by (uid=*)"),
        ("closed at Sat Jul  9 22:53:22 2005", "closed at *"),
        ("from 1.2.3.4 (a.b.net) at Sat Jul  9 01:02:03 2005", "from * at *"),
        ("from 1.2.3.4 () at Sun Jul 10 01:02:03 2005", "from * at *"),
        ("x (5) and [6, (7), 8] or ()", "x (*) and [*] or ()"),
        (
            "size = big,totalTime = 5, logname= uid=0 ruser= rhost=x",
            "size = *,totalTime = *, logname= uid=* ruser= rhost=*",
        ),
        ("May the force", "May the force"),
        ("mail to a@b.c failed", "mail to * failed"),
        ("@bob left", "* left"),
        ("Книга «Война и мир» не найдена", "Книга * не найдена"),
        ("ошибка через 5мин", "ошибка через *мин"),
        ("用户123登录失败", "用户*登录失败"),
        ("사용자 123의 요청 실패", "사용자 *의 요청 실패"),
        ("\\u041e\\u0448 5", "Ош *"),
        ("\x1b[31mred\x1b[0m and\tblack\x07", "red and black"),
        ("a\\nb", "a b"),
        ("uuid 550e8400-e29b-41d4-a716-446655440000", "uuid *"),
        (&"x".repeat(41), "*"),
    ] {
        assert_eq!(masked(message), template.trim_end(), "{message}");
    }
}

/// Texts of one kind, as bots write them, and kinds that are like each other.
#[test]
fn what_is_data_goes_and_what_has_a_meaning_stays() {
    for same in [
        &["сообщение пользователю Иван Петров не ушло", "сообщение пользователю Анна не ушло"][..],
        &["no answer within 5s", "no answer within 1500 ms", "no answer within 2 minutes"],
        &["nothing came on Monday", "nothing came on friday"],
        &[
            "missing fields [a]",
            "missing fields [a, b]",
            "missing fields [a, b, c]",
            "missing fields []",
        ],
        &["bad values: ['x']", "bad values: ['x', 'y z']", "bad values: [\"x\", 5]"],
        &["1 row affected", "2 rows affected", "17 rows affected"],
        &["1 entry lost", "2 entries lost"],
        &["1 process killed", "3 processes killed"],
        &["sent {\"k\": null}", "sent {\"k\": \"a\"}", "sent {\"k\": 5}", "sent {\"k\": true}"],
        &["Invalid user boris zhang from 1.2.3.4", "Invalid user bob from 1.2.3.4"],
        &["object deadbeef gone", "object 0123abcd gone"],
        &["used 5 MB of 10 GB", "used 512KB of 1GB"],
        &["97 % of the disk", "8% of the disk"],
    ] {
        let masked: Vec<_> = same.iter().map(|one| masked(one)).collect();
        assert!(masked.windows(2).all(|pair| pair[0] == pair[1]), "{masked:?}");
    }
    for unlike in [
        &[
            "violates unique constraint \"users_pkey\"",
            "violates unique constraint \"orders_email_key\"",
        ][..],
        &[
            "violates unique constraint \\\"users_pkey\\\"",
            "violates unique constraint \\\"orders_pkey\\\"",
        ],
        &[
            "column \"a\" does not exist",
            "column \"b\" does not exist",
            "relation \"b\" does not exist",
        ],
        &["No module named 'foo'", "No module named 'foo.bar'"],
        &["'NoneType' object has no attribute 'get'", "'NoneType' object has no attribute 'run'"],
        &["Duplicate entry 'x' for key 'users.email'", "Duplicate entry 'x' for key 'users.name'"],
        &["VM Started", "VM Stopped", "VM Paused"],
        &["worker [pool] failed", "worker [cache] failed"],
        &["5 does it", "5 do it"],
    ] {
        let masked: std::collections::BTreeSet<_> = unlike.iter().map(|one| masked(one)).collect();
        assert_eq!(masked.len(), unlike.len(), "{masked:?}");
    }
    // Names of people and what is secret are none of those that stay.
    let user = masked("no user named \"bob\" with api key 'abc'");
    assert_eq!(user, "no user named \"*\" with api key '*'");
    assert_eq!(masked("role \"bob\" does not exist"), "role \"*\" does not exist");
}

#[test]
fn secrets_are_no_part_of_a_template() {
    for (message, template) in [
        ("login failed: password=hunter", "login failed: password=*"),
        ("login failed: password=HUNTER", "login failed: password=*"),
        ("PASSWORD: hunter, user: x", "PASSWORD: *, user: x"),
        ("bad token: abcdef in call", "bad token: * in call"),
        ("token ghp_abc1 refused", "token * refused"),
        ("Authorization: Bearer abcdef sent", "Authorization: Bearer * sent"),
        ("sent Bearer abcdef to x", "sent Bearer * to x"),
        ("Authorization: Basic abcdef==", "Authorization: Basic *=="),
        ("api_key = SECRET", "api_key = *"),
        ("X-Api-Key: Abc", "X-Api-Key: *"),
        ("{\"password\": \"hunter\"}", "{\"password\": *}"),
        ("{'token': abc}", "{'token': *}"),
        ("{\\\"secret\\\":abc}", "{\"secret\":*}"),
        ("dsn postgresql://bot:hunter@db.local:5432/app", "dsn postgresql:*"),
        ("dsn redis://:hunter@cache/0", "dsn redis:*"),
        ("GET /bot/sendMessage?key=abc", "GET *"),
        ("https://api.telegram.org/bot123:AAabc/getMe", "https:*"),
        ("пароль root: no password given", "пароль root: no password given"),
        ("password correcthorse", "password *"),
        ("login with password correcthorse failed", "login with password * failed"),
        ("client_secret xyz refused", "client_secret * refused"),
        ("client_secret=xyz", "client_secret=*"),
        ("credentials xyz", "credentials *"),
        ("credentials: xyz", "credentials: *"),
        ("passwd xyz", "passwd *"),
        ("pwd: xyz", "pwd: *"),
        ("api key xyz", "api key *"),
        ("api key: xyz", "api key: *"),
        ("apikey xyz", "apikey *"),
        ("bearer: xyz", "bearer: *"),
        ("private_key xyz", "private_key *"),
        ("пароль: xyz", "пароль: *"),
        ("Пароль xyz принят", "Пароль * принят"),
        ("токен: правильный", "токен: *"),
        ("секрет=xyz", "секрет=*"),
        ("ключ xyz", "ключ *"),
        ("비밀번호: abc", "비밀번호: *"),
        ("비밀번호 abc", "비밀번호 *"),
        ("암호=abc", "암호=*"),
        ("토큰 abc", "토큰 *"),
        ("รหัสผ่าน: abc", "รหัสผ่าน: *"),
        ("รหัสผ่าน abc", "รหัสผ่าน *"),
        ("รหัสผ่านabc", "รหัสผ่าน*"),
        ("密码：abc", "密码：*"),
        ("用户密码是abc1", "用户密码是*"),
        ("密码 abc", "密码 *"),
        // Sentences, not secrets.
        ("password must be longer", "password must be longer"),
        ("Invalid token: it is expired", "Invalid token: * is expired"),
        ("token expired", "token expired"),
        ("wrong password for root", "wrong password for root"),
        ("no credentials provided", "no credentials provided"),
        ("неверный пароль пользователя", "неверный пароль пользователя"),
        ("비밀번호가 틀렸습니다", "비밀번호가 틀렸습니다"),
        ("密码错误", "密码错误"),
    ] {
        assert_eq!(masked(message), template, "{message}");
    }
}

#[test]
fn any_bytes_make_a_bounded_template() {
    let mut state = 1_u64;
    let mut template = String::new();
    for length in 0..2000 {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        mask(&bytes, &mut template);
        assert!(template.len() <= super::MAX_TEMPLATE);
        assert!(!template.contains(char::is_control), "{template:?}");
    }
    assert_eq!(masked(&"word ".repeat(100)), "word ".repeat(51) + "w");
    mask(&"я".repeat(500).into_bytes(), &mut template);
    assert_eq!(template, "я".repeat(128));
}
