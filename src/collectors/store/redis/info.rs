//! What `INFO` says: lines `key:value` below headings.

use std::collections::BTreeMap;

/// Keys that are kept: a server has some 200.
const MOST: usize = 1000;

/// The values of an answer by their keys.
#[derive(Default)]
pub struct Info {
    values: BTreeMap<String, String>,
    /// Whether it counts errors by their first word: from version 6.2 on.
    pub counts_errors: bool,
}

impl Info {
    pub fn parse(text: &str) -> Self {
        let mut info = Self::default();
        for line in text.lines() {
            if line.trim_end() == "# Errorstats" {
                info.counts_errors = true;
            } else if let Some((key, value)) = line.trim_end().split_once(':')
                && info.values.len() < MOST
            {
                info.values.insert(key.to_owned(), value.to_owned());
            }
        }
        info
    }

    pub fn word(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.word(key)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// `ok` or `err`.
    pub fn is_well(&self, key: &str) -> Option<bool> {
        self.word(key).map(|word| word == "ok")
    }

    /// Keys that begin so, without that beginning, with what stands in their list `a=1,b=2`.
    pub fn lists<'a>(
        &'a self,
        start: &'a str,
    ) -> impl Iterator<Item = (&'a str, BTreeMap<&'a str, f64>)> {
        self.values.iter().filter_map(move |(key, value)| {
            let pairs = value.split(',').filter_map(|pair| {
                let (name, number) = pair.split_once('=')?;
                Some((name, number.parse().ok()?))
            });
            Some((key.strip_prefix(start)?, pairs.collect()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_values_below_headings() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\n\r\nnothing\r\nx:nan\r\na:1.5\r\nb:ok\r\nc:err\r\nd:\r\n\
             # Errorstats\r\nerrorstat_ERR:count=7\r\n# Keyspace\r\ndb0:keys=2,expires=1,avg_ttl=0,odd\r\n",
        );
        assert_eq!((info.word("redis_version"), info.number("a")), (Some("7.0.15"), Some(1.5)));
        assert_eq!((info.number("x"), info.number("d"), info.number("none")), (None, None, None));
        assert_eq!(
            (info.is_well("b"), info.is_well("c"), info.is_well("e")),
            (Some(true), Some(false), None)
        );
        assert!(info.counts_errors && !Info::parse("a:1").counts_errors);
        let lists: Vec<_> = info.lists("db").collect();
        assert_eq!(lists[0], ("0", [("keys", 2.0), ("expires", 1.0), ("avg_ttl", 0.0)].into()));
    }

    #[test]
    fn keys_have_a_bound() {
        let lines: Vec<_> = (0..100_000).map(|n| format!("k{n}:1")).collect();
        let text = lines.join("\r\n");
        assert_eq!(Info::parse(&text).values.len(), MOST);
    }
}
