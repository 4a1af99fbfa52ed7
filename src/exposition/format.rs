//! Which text format a scraper gets.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Classic,
}

impl Format {
    /// OpenMetrics if the client accepts it at all; people with curl get the classic format.
    pub fn negotiate(accept: &str) -> Self {
        let wanted = accept.split(',').map(str::trim).any(|part| {
            let (media, parameters) = part.split_once(';').unwrap_or((part, ""));
            let refused = parameters.split(';').any(|p| matches!(p.trim(), "q=0" | "q=0.0"));
            let version = parameters.split(';').find_map(|p| p.trim().strip_prefix("version="));
            media.trim() == "application/openmetrics-text"
                && !refused
                && matches!(version, None | Some("1.0.0" | "0.0.1"))
        });
        if wanted { Self::OpenMetrics } else { Self::Classic }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn negotiation() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Format::negotiate(prometheus), Format::OpenMetrics);
        for classic in [
            "",
            "*/*",
            "text/plain",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text; version=2.0.0",
        ] {
            assert_eq!(Format::negotiate(classic), Format::Classic, "{classic}");
        }
    }
}
