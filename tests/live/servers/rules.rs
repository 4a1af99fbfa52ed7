//! Makes alert rules fast, so that a live test sees in seconds what takes minutes in earnest.

/// `for` and `keep_firing_for` above zero, and group intervals, become 1 s; range selectors and
/// offsets become 10 s, which holds enough scrapes of one second for `rate`. What `predict_linear`
/// looks ahead from an hour shrinks as much as that hour.
pub fn accelerate(rules: &str) -> String {
    let mut text = String::new();
    for line in rules.lines() {
        text.push_str(&setting(line).unwrap_or_else(|| horizon(&offsets(&ranges(line)))));
        text.push('\n');
    }
    text
}

fn setting(line: &str) -> Option<String> {
    let start = line.find(|c: char| !c.is_whitespace() && c != '-')?;
    let (indent, rest) = line.split_at(start);
    let (key, value) = rest.split_once(':')?;
    if !["for", "keep_firing_for", "interval"].contains(&key) {
        return None;
    }
    let duration = value.split('#').next()?.trim().trim_matches(['"', '\'']);
    // A duration of zero means "at once" and must stay; anything else is no duration of ours.
    let counts = is_duration(duration) && duration.contains(|c: char| ('1'..='9').contains(&c));
    counts.then(|| format!("{indent}{key}: 1s"))
}

fn ranges(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        result.push_str(before);
        let (inside, end) = after.split_once(']').unwrap_or((after, ""));
        let (range, step) = inside.split_once(':').map_or((inside, None), |(r, s)| (r, Some(s)));
        if is_duration(range.trim()) {
            result.push_str(if step.is_some() { "[10s:1s]" } else { "[10s]" });
            rest = end;
        } else {
            result.push('[');
            rest = after;
        }
    }
    result + rest
}

fn offsets(line: &str) -> String {
    let mut parts = line.split(" offset ");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        let word = if is_duration(word) { "10s" } else { word };
        result.extend([" offset ", word, rest]);
    }
    result
}

/// Seconds after the range of `predict_linear`, which stands alone on its line.
fn horizon(line: &str) -> String {
    let parts = line.split_once("predict_linear(").and_then(|_| line.rsplit_once("[10s], "));
    let Some((before, after)) = parts else { return line.to_owned() };
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    let (seconds, rest) = after.split_at(end);
    let seconds = seconds.parse::<u64>().unwrap_or_default() / 360;
    format!("{before}[10s], {seconds}{rest}")
}

/// `5m`, `1h30m`, `100ms`, `0`.
fn is_duration(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || "smhdwy".contains(c))
}

#[cfg(test)]
mod tests {
    use super::accelerate;

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
        assert_eq!(accelerate(slow), fast);
    }
}
