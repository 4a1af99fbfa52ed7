use super::*;

fn conditions(yaml: &str) -> Conditions {
    try_new(yaml).unwrap_or_else(|wrong| panic!("{yaml}: {wrong:?}")).conditions
}

fn try_new(yaml: &str) -> Result<Wanted, Vec<(String, String)>> {
    let loaded = crate::config::load::<Group>("c.yml", yaml, &|_| None).finish();
    Wanted::new("g", &loaded.unwrap_or_else(|wrong| panic!("{yaml}: {wrong:?}")))
}

fn line<'a>(name: &'a str, cmdline: &str) -> Facts<'a> {
    Facts { pid: 7, name: name.as_bytes(), cmdline: Some(cmdline.to_owned()), ..Facts::default() }
}

#[test]
fn a_command_line_and_those_that_only_look_for_it() {
    let none = Around::default();
    let bot = conditions("cmdline: 'python3? .*bot\\.py'\n");
    assert!(bot.meets(&line("python3", "python3 /srv/bot.py --fast"), &none));
    assert!(!bot.meets(&line("python3", "python3 /srv/cat.py"), &none));
    for looker in ["grep", "pgrep", "vim", "less", "watch", "tail", "ps"] {
        let found = format!("{looker} python3 bot.py");
        assert!(!bot.meets(&line(looker, &found), &none), "{looker}");
    }
    // What starts it holds the text as well, and its child is the one that counts.
    for starter in ["sudo", "timeout", "env", "docker", "strace", "ssh", "script", "nohup"] {
        let found = format!("{starter} python3 bot.py");
        assert!(!bot.meets(&line(starter, &found), &none), "{starter}");
    }
    let asked = conditions("{ cmdline: bot, name: tail }\n");
    assert!(asked.meets(&line("tail", "tail -f bot.log"), &none), "asked for by name");
    assert!(!bot.meets(&Facts { pid: 7, name: b"python3", ..Facts::default() }, &none));
}

/// The bot's name may stand in the path of its interpreter alone. [H02]
#[test]
fn the_example_finds_both_forms_of_the_bot() {
    let example = include_str!("../../../../examples/ru-library-bot.yml");
    let section = example.split("\nprocesses:\n").nth(1).unwrap();
    let section = section.split("\nfiles:").next().unwrap();
    let loaded =
        crate::config::load::<super::super::config::Processes>("c.yml", section, &|_| None);
    let section = loaded.finish().unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let bot = Wanted::new("bot", &section.groups["bot"]).ok().unwrap();
    assert!(bot.ports.is_empty(), "most bots ask for messages, and listen nowhere");
    let of = |name: &'static str, cmdline: &str, unit: &str| Facts {
        cgroup: Some(format!("0::/system.slice/{unit}.service\n")),
        ..line(name, cmdline)
    };
    for cmdline in [
        "/home/ai_library_bot/ai_library_bot/venv/bin/python main.py",
        "/usr/bin/python3 /home/ai_library_bot/ai_library_bot/main.py",
        "python3.11 -m bot",
    ] {
        let found = of("python3", cmdline, "ai-library-bot");
        assert!(bot.conditions.meets(&found, &Around::default()), "{cmdline}");
        let other = of("python3", cmdline, "cron");
        assert!(!bot.conditions.meets(&other, &Around::default()), "{cmdline} of another unit");
    }
    let shell = of("sh", "/bin/sh -c python main.py", "ai-library-bot");
    assert!(!bot.conditions.meets(&shell, &Around::default()));
}

#[test]
fn names_are_as_long_as_the_kernel_keeps_them() {
    let long = conditions("name: prometheus-process-exporter\n");
    let named = |name: &'static [u8]| Facts { pid: 7, name, ..Facts::default() };
    assert!(long.meets(&named(b"prometheus-proc"), &Around::default()));
    assert!(!long.meets(&named(b"prometheus-pro"), &Around::default()));
    assert!(!long.meets(&named(b"\xff\xfe) S"), &Around::default()), "odd bytes");
}

#[test]
fn programs_users_and_pid_files() {
    let mut facts = line("python3", "python3 a.py");
    facts.exe = Some("/srv/bot/venv/bin/python3.11".into());
    facts.user = Some(1001);
    let meets = |yaml: &str, around: &Around| conditions(yaml).meets(&facts, around);
    let none = Around::default();
    assert!(meets("exe: /srv/*/venv/bin/python*\n", &none));
    assert!(!meets("exe: /usr/bin/python*\n", &none));
    let user = Around { user: Some(1001), ..Around::default() };
    assert!(
        meets("user: bot\n", &user) && !meets("user: bot\n", &none),
        "a user that nobody knows"
    );
    assert!(meets("user: 1001\n", &user));
    let pid = |pid| Around { pid: Some(pid), ..Around::default() };
    assert!(meets("pid_file: /run/a.pid\n", &pid(7)) && !meets("pid_file: /run/a.pid\n", &pid(8)));
    assert!(!meets("pid_file: /run/a.pid\n", &none));
    // All of them together.
    let both = "{ user: bot, cmdline: b.py }\n";
    assert!(!meets(both, &user), "one of two is not enough");
}

#[test]
fn units_and_containers_by_their_groups() {
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let of = |path: &str| Facts {
        cgroup: Some(format!("12:pids:{path}\n0::{path}\n")),
        ..line("python3", "python3")
    };
    let around = Around { container: Some(id.to_owned()), ..Around::default() };
    let unit = conditions("unit: bot\n");
    assert!(unit.meets(&of("/system.slice/bot.service"), &around));
    assert!(unit.meets(&of("/system.slice/bot.service/inner"), &around));
    assert!(!unit.meets(&of("/system.slice/robot.service"), &around));
    assert!(conditions("unit: a.scope\n").meets(&of("/user.slice/a.scope"), &around));
    let container = conditions("container: web\n");
    for path in [
        format!("/docker/{id}"),
        format!("/system.slice/docker-{id}.scope"),
        format!("/docker/{id}/x"),
    ] {
        assert!(container.meets(&of(&path), &around), "{path}");
    }
    assert!(!container.meets(&of(&format!("/machine.slice/libpod-conmon-{id}.scope")), &around));
    assert!(!container.meets(&of("/docker/fedcba9876543210fedcba9876543210"), &around));
    assert!(
        !container.meets(&of(&format!("/docker/{id}")), &Around::default()),
        "no such container"
    );
    assert!(
        matches!(conditions("container: 0123456789AB\n").container, Some(Named::Id(id)) if id == "0123456789ab")
    );
    assert!(
        matches!(conditions("container: /web\n").container, Some(Named::Name(name)) if name == "web")
    );
}

#[test]
fn what_is_wrong_is_named_with_its_key() {
    for (yaml, key, why) in [
        ("{}\n", "", "at least one of"),
        ("{ cmdline: '(' }\n", "cmdline", "no regular expression"),
        ("{ cmdline: '.*' }\n", "cmdline", "everything"),
        ("{ exe: bin/x }\n", "exe", "is a path"),
        ("{ exe: '/[' }\n", "exe", ""),
        ("{ name: '' }\n", "name", "empty"),
        ("{ pid_file: a.pid }\n", "pid_file", "absolute"),
        ("{ name: a, memory: 0B }\n", "memory", "more than nothing"),
        ("{ name: a, count: { min: 3, max: 2 } }\n", "count", "smaller"),
        ("{ name: a, listen: [0] }\n", "listen[0]", "is a port"),
        ("{ name: a, listen: ['localhost:80'] }\n", "listen[0]", "is a port"),
        ("{ name: a, listen: [80, '0.0.0.0:80'] }\n", "listen[1]", "twice"),
    ] {
        let wrong = try_new(yaml).err().unwrap_or_else(|| panic!("{yaml} is taken"));
        assert!(wrong.iter().any(|(k, w)| k == key && w.contains(why)), "{yaml}: {wrong:?}");
    }
    let good = try_new(
        "{ name: a, count: 4, memory: 1000MiB, listen: [8443, '127.0.0.1:8000', '[::1]:8000'] }\n",
    );
    let good = good.unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert_eq!((good.min, good.max, good.memory), (4, Some(4), Some(1000 << 20)));
    assert_eq!(good.ports[0], (None, 8443));
    assert_eq!(good.ports[2], (Some("::1".parse().unwrap()), 8000));
    let none = try_new("{ name: a, count: { min: 0, max: 2 } }\n").unwrap_or_else(|_| panic!());
    assert_eq!((none.min, none.max), (0, Some(2)));
}
