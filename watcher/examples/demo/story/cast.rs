//! Who plays: names of nodes and of what runs on them.

/// Something that is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct App {
    pub(crate) namespace: &'static str,
    pub(crate) name: &'static str,
}

const NODES: [&str; 12] =
    ["atlas", "boreas", "calypso", "dione", "echo", "fauna", "gaia", "helios", "iris", "juno", "kronos", "luna"];

const APPS: [App; 10] = [
    App { namespace: "shop", name: "cart" },
    App { namespace: "shop", name: "catalog" },
    App { namespace: "media", name: "thumbs" },
    App { namespace: "shop", name: "search" },
    App { namespace: "mail", name: "inbox" },
    App { namespace: "home", name: "mqtt" },
    App { namespace: "shop", name: "checkout" },
    App { namespace: "media", name: "encoder" },
    App { namespace: "mail", name: "spam" },
    App { namespace: "home", name: "heating" },
];

/// What is run once, and ends.
pub(crate) const JOB: App = App { namespace: "jobs", name: "report" };

/// The name of the node of this index.
pub(crate) fn node(index: usize) -> String {
    let name = NODES[index % NODES.len()];
    match index / NODES.len() {
        0 => format!("pi-{name}"),
        more => format!("pi-{name}-{}", more + 1),
    }
}

/// How many pods the node of this index takes, compared to others.
pub(crate) const fn size(index: usize) -> usize {
    [2, 2, 2, 2, 5, 1][index % 6]
}

/// What the pod of this index is of.
pub(crate) const fn app(index: usize) -> App {
    APPS[index % APPS.len()]
}
