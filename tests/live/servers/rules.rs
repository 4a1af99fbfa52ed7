//! Makes the time of alert rules go faster, so that a live test sees in seconds what takes minutes in
//! earnest.

/// How fast the time of the rules goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    #[default]
    Shipped,
    /// `for` and `keep_firing_for` above zero, and group intervals, become 1 s; range selectors and
    /// offsets become 10 s, which holds enough scrapes of one second for `rate`. What `predict_linear`
    /// looks ahead from an hour shrinks as much as that hour. Which alert comes before which is lost.
    Fast,
    /// All times are divided by this, so that their order and their proportions stay.
    Divided(u32),
}

impl Pace {
    /// Rules, at this pace.
    pub fn of_rules(self, rules: &str) -> String {
        self.each_line(rules, &["for", "keep_firing_for", "interval"])
    }

    /// Alertmanager's file, at this pace.
    pub fn of_waits(self, config: &str) -> String {
        let keys = ["group_wait", "group_interval", "repeat_interval", "resolve_timeout"];
        self.each_line(config, &keys)
    }

    /// How soon Prometheus tells Alertmanager again of what still fires, a minute by default, and how old
    /// a sample may be, five minutes by default.
    pub fn of_flags(self) -> [String; 2] {
        let (again, old) = (self.shorter("1m", "1s"), self.shorter("5m", "5m"));
        [format!("--rules.alert.resend-delay={again}"), format!("--query.lookback-delta={old}")]
    }

    /// From one scrape to the next, which is also what it may take. A target that hangs holds one up for a
    /// second; it must not be lost where a lost one means minutes.
    pub const fn of_scrapes(self) -> &'static str {
        match self {
            Self::Divided(_) => "2s",
            Self::Shipped | Self::Fast => "1s",
        }
    }

    fn each_line(self, text: &str, keys: &[&str]) -> String {
        if self == Self::Shipped {
            return text.to_owned();
        }
        let faster = |line: &str| {
            let setting = self.setting(line, keys);
            setting.unwrap_or_else(|| self.horizon(&self.offsets(&self.ranges(line))))
        };
        // What has changed lately is asked at each evaluation of each alert: once in a quarter of a
        // minute that costs nothing, each second with a hundred alerts it takes the tests their time.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("changed: "));
        lines.flat_map(|line| [faster(line), "\n".to_owned()]).collect()
    }

    /// A duration, or `fast` in its place.
    fn shorter(self, duration: &str, fast: &str) -> String {
        match self {
            Self::Shipped => duration.to_owned(),
            Self::Fast => fast.to_owned(),
            Self::Divided(by) => format!("{}ms", milliseconds(duration) / u64::from(by)),
        }
    }

    fn setting(self, line: &str, keys: &[&str]) -> Option<String> {
        let start = line.find(|c: char| !c.is_whitespace() && c != '-')?;
        let (indent, rest) = line.split_at(start);
        let (key, value) = rest.split_once(':')?;
        if !keys.contains(&key) {
            return None;
        }
        let duration = value.split('#').next()?.trim().trim_matches(['"', '\'']);
        // A duration of zero means "at once" and must stay; anything else is no duration of ours.
        let counts = is_duration(duration) && duration.contains(|c: char| ('1'..='9').contains(&c));
        counts.then(|| format!("{indent}{key}: {}", self.shorter(duration, "1s")))
    }

    fn ranges(self, line: &str) -> String {
        let mut result = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('[') {
            result.push_str(before);
            let (inside, end) = after.split_once(']').unwrap_or((after, ""));
            let (range, step) =
                inside.split_once(':').map_or((inside, None), |(r, s)| (r, Some(s)));
            // Without a unit it is the place of an argument, as in `%[1]q`.
            if is_duration(range.trim()) && !range.ends_with(|c: char| c.is_ascii_digit()) {
                let step = step.map(|step| format!(":{}", self.shorter(step.trim(), "1s")));
                let range = self.shorter(range.trim(), "10s");
                result.extend(["[", &range, &step.unwrap_or_default(), "]"]);
                rest = end;
            } else {
                result.push('[');
                rest = after;
            }
        }
        result + rest
    }

    fn offsets(self, line: &str) -> String {
        let mut parts = line.split(" offset ");
        let mut result = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
            let (word, rest) = part.split_at(end);
            let word = if is_duration(word) { self.shorter(word, "10s") } else { word.to_owned() };
            result.extend([" offset ", &word, rest]);
        }
        result
    }

    /// Seconds after the range of `predict_linear`, which stands alone on its line.
    fn horizon(self, line: &str) -> String {
        let parts = line.split_once("predict_linear(").and_then(|_| line.rsplit_once("], "));
        let Some((before, after)) = parts else { return line.to_owned() };
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (seconds, rest) = after.split_at(end);
        let part = match self {
            Self::Shipped => 1,
            Self::Fast => 360,
            Self::Divided(by) => u64::from(by),
        };
        let seconds = seconds.parse::<u64>().unwrap_or_default() / part;
        format!("{before}], {seconds}{rest}")
    }
}

/// `5m`, `1h30m`, `100ms`, `0`.
fn is_duration(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "smhdwy".contains(c))
}

fn milliseconds(duration: &str) -> u64 {
    let mut sum = 0;
    let mut rest = duration;
    while let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()) {
        let (number, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let unit = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            other => panic!("a duration in {other}"),
        };
        sum += number.parse::<u64>().unwrap_or_default() * unit;
        rest = next;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn rules_become_fast() {
        let slow = concat!(
            "  - name: queue\n    interval: 30s\n    rules:\n      - alert: A\n",
            "        expr: rate(a{b=\"[x]\"}[5m]) > x offset 1h or max_over_time(c[1h:1m]) > 0\n",
            "        for: 10m\n        keep_firing_for: 1h30m # long\n",
            "      - alert: C\n        expr: predict_linear(a{b=\"c\"}[1h], 14400)\n",
            "      - alert: B\n        for: 0s\n        description: Waits for: 5m\n",
        );
        let fast = concat!(
            "  - name: queue\n    interval: 1s\n    rules:\n      - alert: A\n",
            "        expr: rate(a{b=\"[x]\"}[10s]) > x offset 10s or max_over_time(c[10s:1s]) > 0\n",
            "        for: 1s\n        keep_firing_for: 1s\n",
            "      - alert: C\n        expr: predict_linear(a{b=\"c\"}[10s], 40)\n",
            "      - alert: B\n        for: 0s\n        description: Waits for: 5m\n",
        );
        assert_eq!(Pace::Fast.of_rules(slow), fast);
        assert_eq!(Pace::Fast.of_rules("x{b=%[1]q}[1d]\n"), "x{b=%[1]q}[10s]\n");
        let twentieth = concat!(
            "  - name: queue\n    interval: 1500ms\n    rules:\n      - alert: A\n",
            "        expr: rate(a{b=\"[x]\"}[15000ms]) > x offset 180000ms or max_over_time(c[180000ms:3000ms]) > 0\n",
            "        for: 30000ms\n        keep_firing_for: 270000ms\n",
            "      - alert: C\n        expr: predict_linear(a{b=\"c\"}[180000ms], 720)\n",
            "      - alert: B\n        for: 0s\n        description: Waits for: 5m\n",
        );
        assert_eq!(Pace::Divided(20).of_rules(slow), twentieth);
        let waits = "  - group_wait: 30s\n    group_interval: 5m\n";
        let shorter = "  - group_wait: 1500ms\n    group_interval: 15000ms\n";
        assert_eq!(Pace::Divided(20).of_waits(waits), shorter);
    }
}
