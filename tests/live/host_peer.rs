//! `node_exporter` as Debian ships it, with all that it has on by default, beside us on the same machine. Each
//! difference is a line of `tests/host_peer.tsv` with its reason. [H04 H05 H06 H10]

use std::path::Path;

use crate::peer::{Labels, Listed, Page, read_anew};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::process::{Server, Spec};
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{run, watchdog};
use crate::stage::binary;

const LISTED: &str = include_str!("../host_peer.tsv");

/// Of itself each speaks alone.
fn keeps(name: &str, _labels: &Labels) -> bool {
    let own = ["node_scrape_", "node_exporter_", "node_textfile_"];
    name.starts_with("node_") && !own.iter().any(|start| name.starts_with(start))
}

#[test]
fn we_say_what_node_exporter_says() {
    run(async {
        let port = free_port();
        let address = format!("--web.listen-address=127.0.0.1:{port}");
        let program = Path::new("prometheus-node-exporter");
        let spec = Spec::new(program, "prometheus-node-exporter", &[&address]);
        let peer = Server::start(spec, &watchdog::dir("node"));
        let url = format!("http://127.0.0.1:{port}/metrics");
        until("node_exporter", PATIENT, async || {
            peer.assert_alive();
            get_ok(&url).await
        })
        .await;
        let exporter =
            Exporter::start(binary(), "docker: { enabled: false }\nhost: { extended: true }\n")
                .await;
        let listed = Listed::of(LISTED, "1.5");
        until("no difference that is not listed, and each that is", 2 * PATIENT, async || {
            let before = Page::of(&get_ok(&url).await?, &keeps);
            let ours = Page::of(&read_anew(&exporter, "host", "host").await, &keeps);
            let after = Page::of(&get_ok(&url).await?, &keeps);
            assert!(before.series.len() > 200, "{}", before.series.len());
            listed.holds(&before, &ours, &after)
        })
        .await;
    });
}
