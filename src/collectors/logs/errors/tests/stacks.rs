//! Stacks as programs write them.

use super::*;

const PYTHON: &str = r#"E request 5 failed
| Traceback (most recent call last):
|   File "/usr/lib/python3.12/asyncio/tasks.py", line 520, in wait_for
|     return await fut
|            ^^^^^^^^^
|   File "/app/bot/handlers.py", line 42, in on_message
|     await send(ValueError: "x")
|   File "/venv/lib/python3.12/site-packages/aiogram/client.py", line 3, in call
|     raise TelegramBadRequest(
|     ...<3 lines>...
|     )
|   [Previous line repeated 995 more times]
| aiogram.exceptions.TelegramBadRequest: Bad Request: chat not found
| a second line of it: with a colon
| KeyError: which is still its text
|
| DETAIL: more
"#;

#[test]
fn a_traceback_is_one_event_with_its_class_and_own_frame() {
    let wanted =
        "1/error/app/aiogram.exceptions.TelegramBadRequest/handlers.py:on_message/request * failed";
    assert_eq!(told(&grouped(PYTHON)), [wanted]);
    let elsewhere = PYTHON.replace("/app/bot", "/home/x/y").replace("line 42", "line 999");
    assert_eq!(grouped(&elsewhere).all()[0].fingerprint, grouped(PYTHON).all()[0].fingerprint);
    let windows = PYTHON.replace("/app/bot/", "C:\\bot\\");
    assert_eq!(told(&grouped(&windows)), [wanted]);
    let coloured = PYTHON.replace("| aiogram", "| \x1b[31m\x1b[1maiogram");
    assert_eq!(told(&grouped(&coloured)), [wanted]);
}

#[test]
fn of_a_chain_the_last_exception_counts() {
    for joint in [
        "During handling of the above exception, another exception occurred:",
        "The above exception was the direct cause of the following exception:",
    ] {
        let lines = format!(
            r#"E gone
| Traceback (most recent call last):
|   File "/app/a.py", line 1, in first
|     x
| KeyError: 'a'
|
| {joint}
|
| Traceback (most recent call last):
|   File "/app/b.py", line 2, in second
|     y
| RuntimeError: b
"#
        );
        assert_eq!(told(&grouped(&lines)), ["1/error/app/RuntimeError/b.py:second/gone"]);
    }
}

#[test]
fn a_traceback_that_nobody_announced_is_an_error_of_its_own() {
    let bare = PYTHON.split_once('\n').unwrap().1;
    let class = "aiogram.exceptions.TelegramBadRequest";
    let wanted = format!("{class}/handlers.py:on_message/{class}: Bad Request: chat not found");
    assert_eq!(told(&grouped(bare)), [format!("1/error//{wanted}")]);
    assert_eq!(
        told(&grouped(&format!("I up\n{bare}{bare}{bare}"))),
        [format!("3/error//{wanted}")]
    );
    // A warning may carry one, also a chain.
    let chain = "| During handling of the above exception, another exception occurred:\n";
    assert_eq!(grouped(&format!("W slow\n{bare}{chain}{bare}I x\n")).total, 0);
    // What dies after an error has been logged is another event.
    assert_eq!(grouped(&format!("{PYTHON}{bare}")).total, 2);
}

#[test]
fn of_an_exception_group_the_first_leaf_counts() {
    let group = r#"|   + Exception Group Traceback (most recent call last):
|   |   File "/app/main.py", line 9, in main
|   |     async with asyncio.TaskGroup() as group:
|   |   File "/usr/lib/python3.12/asyncio/taskgroups.py", line 145, in __aexit__
|   |     raise me from None
|   | ExceptionGroup: unhandled errors in a TaskGroup (2 sub-exceptions)
|   +-+---------------- 1 ----------------
|     | Traceback (most recent call last):
|     |   File "/app/work.py", line 3, in one
|     |     raise ValueError(1)
|     | ValueError: 1
|     +---------------- 2 ----------------
|     | Traceback (most recent call last):
|     |   File "/app/work.py", line 6, in two
|     |     raise KeyError(2)
|     | KeyError: 2
|     +------------------------------------
"#;
    assert_eq!(
        told(&grouped(&format!("C down\n{group}"))),
        ["1/critical/app/ValueError/work.py:one/down"]
    );
    assert_eq!(told(&grouped(group)), ["1/error//ValueError/work.py:one/ValueError: *"]);
}

#[test]
fn loguru_draws_in_its_tracebacks() {
    let lines = r#"E no result
| Traceback (most recent call last):
|
|   File "/app/main.py", line 20, in <module>
|     run(0)
|     └ <function run at 0x7f0>
|
| > File "/app/main.py", line 15, in run
|     return divide(1, n)
|            │         └ 0
|            └ <function divide at 0x7f1>
|
|   File "/app/math.py", line 3, in divide
|     return a / b
|            │   └ 0
|            └ 1
|
| ZeroDivisionError: division by zero
"#;
    assert_eq!(told(&grouped(lines)), ["1/error/app/ZeroDivisionError/math.py:divide/no result"]);
}

#[test]
fn a_traceback_of_another_process_is_part_of_it() {
    let lines = r#"E worker failed
| multiprocessing.pool.RemoteTraceback:
| """
| Traceback (most recent call last):
|   File "/app/work.py", line 3, in inner
|     x
| ValueError: a
| """
|
| The above exception was the direct cause of the following exception:
|
| Traceback (most recent call last):
|   File "/app/main.py", line 9, in outer
|     y
| ValueError: a
"#;
    assert_eq!(told(&grouped(lines)), ["1/error/app/ValueError/main.py:outer/worker failed"]);
}

#[test]
fn stacks_of_other_languages() {
    let java = "E boom\n| java.lang.IllegalStateException: x\n| \tat java.base/java.util.Map.get(Map.java:1)\n| \tat com.acme.Shop.pay(Shop.java:12)\n| Caused by: java.io.IOException: disk\n| \tat java.io.File.open(File.java:5)\n| \tat com.acme.Disk.read(Disk.java:9)\n| \tat com.acme.Shop.pay(Shop.java:11)\n| \t... 3 more\n";
    assert_eq!(told(&grouped(java)), ["1/error/app/java.io.IOException/Disk.java:read/boom"]);
    let node = "E Unhandled\n| TypeError: Cannot read properties of undefined (reading 'x')\n|     at node:internal/process:1:2\n|     at lib (/app/node_modules/lib/index.js:1:2)\n|     at async Shop.pay (/app/src/shop.js:10:5)\n|     at /app/src/main.js:1:1\n";
    assert_eq!(told(&grouped(node)), ["1/error/app/TypeError/shop.js:pay/Unhandled"]);
    let go = "| panic: runtime error: index out of range [5] with length 3\n| \n| goroutine 1 [running]:\n| runtime.gopanic({0x1, 0x2})\n| \t/usr/local/go/src/runtime/panic.go:770 +0x132\n| main.pick(...)\n| \t/app/main.go:9\n| main.main()\n| \t/app/main.go:5 +0x1d\n| exit status 2\n";
    assert_eq!(
        told(&grouped(go)),
        [
            "1/critical//panic/main.go:main.pick/panic: runtime error: index out of range [*] with length *"
        ]
    );
    let rust = "| thread 'main' (1) panicked at src/main.rs:10:5:\n| no luck\n";
    assert_eq!(told(&grouped(rust)), ["1/critical////no luck"]);
}

/// Two that die one after the other, as threads do.
#[test]
fn two_panics_in_a_row_are_two() {
    for (one, other) in [
        (
            "thread 'a' panicked at src/main.rs:2:5:\n| boom\n",
            "thread 'b' panicked at src/o.rs:9:1:\n| bang\n",
        ),
        (
            "fatal error: all goroutines are asleep\n| \n| goroutine 1 [running]:\n",
            "fatal error: out of memory\n",
        ),
        (
            "panic: a\n| \n| goroutine 1 [running]:\n| main.main()\n| \t/app/a.go:5 +0x1d\n",
            "panic: b\n",
        ),
        (
            "Exception in thread \"a\" java.lang.IllegalStateException: x\n| \tat com.acme.A.run(A.java:1)\n",
            "Exception in thread \"b\" java.lang.IllegalStateException: y\n| \tat com.acme.B.run(B.java:1)\n",
        ),
        (
            "/app/a.rb:3:in `f': no (RuntimeError)\n| \tfrom a.rb:7:in `<main>'\n",
            "/app/b.rb:3:in `g': no (RuntimeError)\n",
        ),
    ] {
        let found = grouped(&format!("| {one}| {other}"));
        assert_eq!(found.total, 2, "{one}");
        // The first one belongs to an error that has been logged.
        assert_eq!(grouped(&format!("E down\n| {one}| {other}")).total, 2, "{one}");
    }
    let again = "| panic: a\n| \tpanic: b\n| \n| goroutine 1 [running]:\n";
    assert_eq!(grouped(again).total, 1, "one in the other is one");
}

/// Nobody has announced it, and no word of its first line says that it is an error.
#[test]
fn an_exception_with_a_stack_is_an_error_of_its_own() {
    let node = "| TypeError: Cannot read properties of undefined (reading 'x')\n|     at f (/app/a.js:1:2)\n| \n| Node.js v20\n";
    let wanted =
        "1/error//TypeError/a.js:f/TypeError: Cannot read properties of undefined (reading '*')";
    assert_eq!(told(&grouped(node)), [wanted]);
    assert_eq!(
        told(&grouped(&format!("I up\n| /app/a.js:1\n| x.y\n|   ^\n| \n{node}I x\n"))),
        [wanted]
    );
    let java = "| java.lang.IllegalStateException: no\n| \tat com.acme.Shop.pay(Shop.java:12)\n| Caused by: java.io.IOException: disk\n| \tat com.acme.Disk.read(Disk.java:9)\n";
    assert_eq!(
        told(&grouped(java)),
        ["1/error//java.io.IOException/Disk.java:read/Caused by: java.io.IOException: disk"]
    );
    // Named and not thrown, or of something that was no error.
    assert_eq!(
        grouped("| TypeError: x\n| another line\nI up\n|     at f (/app/a.js:1:2)\n").total,
        0
    );
    assert_eq!(grouped(&format!("W slow\n{node}")).total, 0);
    assert_eq!(told(&grouped("| TypeError: x\nE down\n")), ["1/error/app///down"]);
}

#[test]
fn ruby_names_the_exception_last() {
    let ruby = "| /app/config.ru:6:in `call': divided by 0 (ZeroDivisionError)\n| \tfrom /app/config.ru:9:in `block in <main>'\n| \tfrom /app/config.ru:12:in `<main>'\n";
    assert_eq!(
        told(&grouped(ruby)),
        ["1/error//ZeroDivisionError/config.ru:call/*:in `call': divided by * (ZeroDivisionError)"]
    );
    assert_eq!(
        told(&grouped(&format!("E failed\n{ruby}"))),
        ["1/error/app/ZeroDivisionError/config.ru:call/failed"]
    );
}

/// Spring Boot's default: behind each frame stands the package from which it comes.
#[test]
fn frames_are_of_the_class_and_not_of_its_package() {
    let trace = |frame: &str, package: &str| {
        let lines =
            format!("E boom\n| java.lang.IllegalStateException: x\n| \tat {frame} ~[{package}]\n");
        told(&grouped(&lines))
    };
    let foo = trace("com.example.Foo.run(Foo.java:10)", "classes!/:na");
    assert_eq!(foo, ["1/error/app/java.lang.IllegalStateException/Foo.java:run/boom"]);
    assert_eq!(foo, trace("com.example.Foo.run(Foo.java:12)", "app-1.0.1.jar!/:1.0.1"));
    let bar = trace("com.example.Bar.run(Bar.java:99)", "classes!/:na");
    assert_eq!(bar, ["1/error/app/java.lang.IllegalStateException/Bar.java:run/boom"]);
    assert_eq!(
        trace("com.example.Foo.lambda$run$0(Foo.java:10)", "na"),
        trace("com.example.Foo.lambda$run$17(Foo.java:11)", "na")
    );
}

#[test]
fn lines_of_postgres_belong_to_their_error() {
    let lines = "E duplicate key value violates unique constraint \"users_pkey\"\n| 2024-01-01 12:00:00.123 UTC [12] DETAIL:  Key (id)=(5) already exists.\n| 2024-01-01 12:00:00.123 UTC [12] STATEMENT:  insert into users\n| \tvalues (5)\nE duplicate key value violates unique constraint \"orders_pkey\"\n| x DETAIL:  y\n";
    let wanted = ["users_pkey", "orders_pkey"].map(|name| {
        format!("1/error/app///duplicate key value violates unique constraint \"{name}\"")
    });
    assert_eq!(told(&grouped(lines)), wanted);
}

#[test]
fn stacks_inside_of_json() {
    let inner = r#"Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in run\n    x(\"\u0416\")\nKeyError: 'x'"#;
    let group = |message: &str, exception: Option<&str>| {
        let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
        let exception = exception.map(str::as_bytes);
        let message = message.as_bytes();
        let head = Head { level: Level::Error, logger: b"app", message, exception };
        tracker.head(&head, now(), &mut groups);
        tracker.settle(now(), &mut groups);
        told(&groups)
    };
    assert_eq!(group("no", Some(inner)), ["1/error/app/KeyError/a.py:run/no"]);
    assert_eq!(group(&format!("no\\n{inner}"), None), ["1/error/app/KeyError/a.py:run/no"]);
    assert_eq!(group("no", Some("ValueError: x")), ["1/error/app/ValueError//no"]);
    assert_eq!(group("no", Some("ValueError")), ["1/error/app/ValueError//no"]);
    assert_eq!(group("no", Some("\\")), ["1/error/app///no"]);
    let java = r"java.lang.IllegalStateException: x\n\tat com.acme.Shop.pay(Shop.java:12)";
    assert_eq!(
        group("no", Some(java)),
        ["1/error/app/java.lang.IllegalStateException/Shop.java:pay/no"]
    );
}

/// What stacks are made of.
const PARTS: [&str; 28] = [
    "Traceback (most recent call last):",
    "  File \"",
    "a.py\", line 1",
    ", in f",
    "\\n",
    "\\u04",
    "\"",
    "    at ",
    "(x.js:1:2)",
    "Caused by: ",
    "goroutine 1 [",
    "]:",
    ".go:5",
    "X: ",
    "| ",
    "  + ",
    "\x1b[",
    "m",
    "\"\"\"",
    "panic: ",
    "thread '",
    "panicked at",
    "Ж",
    "\t",
    "::",
    "()",
    "> ",
    "",
];

#[test]
fn any_lines_are_harmless() {
    let mut state = 1_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    for _ in 0..100_000 {
        let line: Vec<u8> = (0..next(6)).flat_map(|_| PARTS[next(PARTS.len())].bytes()).collect();
        match next(8) {
            0 => {
                let head = Head {
                    level: Level::Error,
                    logger: &line,
                    message: &line,
                    exception: Some(&line),
                };
                tracker.head(&head, now(), &mut groups);
            }
            1 => tracker.other(Level::Info, now(), &mut groups),
            _ => tracker.more(&line, now(), &mut groups),
        }
    }
    assert_sums(&groups);
    for group in groups.all() {
        assert!(
            group
                .exception
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
        );
        assert!(group.frame.len() <= 130 && !group.frame.contains(char::is_control));
    }
}
