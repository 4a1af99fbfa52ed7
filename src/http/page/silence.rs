//! How an alert is silenced: for a while by Alertmanager, for good by the configuration. It stands at the
//! end of each runbook, with the names that this alert needs.

use maud::{Markup, html};

use crate::catalogue::{Area, Signal};
use crate::collectors::{CATALOGUE, section_of};

pub(in crate::http) fn section(alert: &str) -> Markup {
    let found = CATALOGUE.signals().find(|(_, signal)| signal.alert == alert);
    html! {
        h2 #silence { "Silence it" }
        p { "For maintenance with a known end, in Alertmanager; the page goes on showing it. A label of the alert, such as "
            code { "instance" } (labels(found.map(|(_, signal)| signal))) ", narrows it down." }
        pre tabindex="0" { code {
            "amtool silence add --alertmanager.url=http://127.0.0.1:9093 --duration=2h --comment=\"maintenance\" alertname=\"" (alert) "\"\n"
        } }
        @if let Some((area, signal)) = found { (for_good(area, signal)) }
    }
}

/// ", `service` or `project`"
fn labels(signal: Option<&Signal>) -> Markup {
    html! {
        @for label in signal.map_or(&[][..], |signal| signal.item) { ", " code { (label) } }
    }
}

fn for_good(area: &Area, signal: &Signal) -> Markup {
    let section = section_of(area.name).unwrap_or(area.name);
    let head = if area.single {
        format!("{section}:\n  ")
    } else {
        format!("{section}:\n  <target>:\n    ")
    };
    html! {
        p { "For good, in the configuration file, which is read again by " code { "POST /-/reload" }
            " or SIGHUP; what is switched off is told at the end of the status page:" }
        pre tabindex="0" { code { (head) "thresholds: { " (signal.name) ": off }\n" } }
        @if !signal.item.is_empty() {
            p { "For some things only, by name or pattern (" code { (signal.item.join("/")) } "):" }
            pre tabindex="0" { code { (head) "thresholds: { " (signal.name) ": { except: { \"<name>\": off } } }\n" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_every_signal_is_named_as_it_is_written() {
        let shown = |alert| section(alert).into_string();
        let host = shown("HostDiskFull");
        assert!(host.contains("host:\n  thresholds: { disk: off }"), "{host}");
        assert!(host.contains("disk: { except:"), "{host}");
        let queue = shown("QueueStalled");
        assert!(queue.contains("queues:\n  &lt;target&gt;:\n    thresholds: {"), "{queue}");
        assert!(!shown("Watchdog").contains("thresholds:"), "it is of no signal");
    }
}
