//! What the API server pays: measured, compared with what it pays where nobody watches, and as a table.

use std::time::Duration;

use podlight_bed::bench::Table;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::proxy::Proxy;

/// What it cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Over the wire, both ways, in bytes.
    bytes: u64,
    /// Of the API server, in seconds.
    cpu: f64,
    /// How long that took, in seconds.
    time: f64,
}

/// What all of it cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Costs {
    pub(crate) start: Cost,
    pub(crate) changes: Cost,
    pub(crate) idle: Cost,
}

/// What the API server pays from one moment to another.
pub(crate) struct Meter<'a> {
    cluster: &'a Cluster,
    proxy: &'a Proxy,
    began: Instant,
    bytes: u64,
    cpu: f64,
}

impl<'a> Meter<'a> {
    pub(crate) async fn start(cluster: &'a Cluster, proxy: &'a Proxy) -> Self {
        let cpu = cluster.cpu().await;
        Self { cluster, proxy, began: Instant::now(), bytes: proxy.bytes(), cpu }
    }

    /// Once what is still under way has had this time to settle.
    pub(crate) async fn stop(self, settle: Duration) -> Cost {
        sleep(settle).await;
        let (bytes, time) = (self.proxy.bytes() - self.bytes, self.began.elapsed().as_secs_f64());
        Cost { bytes, cpu: self.cluster.cpu().await - self.cpu, time }
    }
}

/// A table with nothing in it yet.
pub(crate) fn table() -> Table<6> {
    Table::new([
        "nodes",
        "API server pays",
        "podlight",
        "N watches of a node's pods",
        "N watches of all pods",
        "ratio to the last",
    ])
}

impl Costs {
    /// For people: what it takes the API server with nobody watching.
    pub(crate) fn alone(&self) -> String {
        let rest = 100.0 * self.idle.cpu / self.idle.time;
        format!("with nobody watching: {:.2} s of CPU for the changes, {rest:.1} % of a core at rest", self.changes.cpu)
    }
}

/// For so many nodes: first what it costs with nobody watching, then with each of the three.
pub(crate) fn rows(table: &mut Table<6>, nodes: usize, measured: &[Option<Costs>]) {
    let Some((Some(nobody), watching)) = measured.split_first() else { return };
    // What the cluster does meanwhile with nobody watching.
    let rest = nobody.idle.cpu / nobody.idle.time;
    let kilobytes = |cost: Cost| cost.bytes as f64 / 1e3;
    let mut row = |what: &str, decimals: usize, figure: &dyn Fn(&Costs) -> f64| {
        let figures: Vec<_> = watching.iter().map(|costs| costs.as_ref().map(figure)).collect();
        let text = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.decimals$}"));
        // Less than nothing is less than can be measured.
        let ratio = figures[0].zip(figures[2]).filter(|(ours, theirs)| *ours > 0.0 && *theirs > 0.0);
        let ratio = ratio.map_or_else(|| "–".to_owned(), |(ours, theirs)| format!("{:.1} ×", theirs / ours));
        table.row([
            format!("{nodes:>2}"),
            what.to_owned(),
            text(figures[0]),
            text(figures[1]),
            text(figures[2]),
            ratio,
        ]);
    };
    row("to begin, kB", 0, &|costs| kilobytes(costs.start));
    row("to begin, s of CPU", 2, &|costs| costs.start.cpu - rest * costs.start.time);
    row("for the changes, kB", 0, &|costs| kilobytes(costs.changes));
    row("for the changes, s of CPU", 2, &|costs| costs.changes.cpu - nobody.changes.cpu);
    row("at rest, kB a minute", 0, &|costs| kilobytes(costs.idle) * 60.0 / costs.idle.time);
    row("at rest, % of a core", 2, &|costs| 100.0 * (costs.idle.cpu / costs.idle.time - rest));
}
