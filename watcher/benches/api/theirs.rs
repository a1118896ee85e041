//! The origin's way: Kubernetes' own Python client watches pods for each node.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use podlight_bed::Process;
use tempfile::NamedTempFile;
use tokio::sync::watch;

/// Nodes that share a process, for the sake of this machine: each has a thread and a connection, and the API server sees
/// no difference.
pub(crate) const EACH: usize = 10;
const SCRIPT: &str = include_str!("origin.py");

/// Which pods each node watches.
#[derive(Clone, Copy)]
pub(crate) enum Which {
    /// All: the origin did.
    All,
    /// Its own: the API server picks them.
    Own,
}

/// Watches that run. Dropped, they are killed.
pub(crate) struct Theirs {
    _processes: Vec<Process>,
    nodes: usize,
    colors: watch::Receiver<HashMap<String, String>>,
    _kubeconfig: NamedTempFile,
}

impl Theirs {
    /// Of the pods of this namespace, for these nodes.
    pub(crate) fn start(python: &Path, kubeconfig: &str, namespace: &str, which: Which, nodes: &[String]) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(kubeconfig.as_bytes()).unwrap();
        let (tell, colors) = watch::channel(HashMap::new());
        let which = match which {
            Which::All => "all",
            Which::Own => "own",
        };
        let start = |nodes: &[String]| {
            let mut command = Command::new(python);
            command.args(["-c", SCRIPT]).arg(file.path()).args([namespace, which]).args(nodes);
            let tell = tell.clone();
            Process::heard(&mut command, move |line| {
                let (node, color) = line.split_once(' ').unwrap();
                tell.send_modify(|colors: &mut HashMap<_, _>| drop(colors.insert(node.to_owned(), color.to_owned())));
            })
        };
        let processes = nodes.chunks(EACH).map(start).collect();
        Self { _processes: processes, nodes: nodes.len(), colors, _kubeconfig: file }
    }

    /// Waits until all nodes have this color.
    pub(crate) async fn until(&mut self, color: &str) {
        let all = |colors: &HashMap<_, String>| colors.values().filter(|shown| *shown == color).count() == self.nodes;
        self.colors.wait_for(all).await.expect("it runs");
    }
}

/// Of the interpreter and its package.
pub(crate) fn versions(python: &Path) -> String {
    let ask = "import kubernetes, platform; print(f'{platform.python_version()}, kubernetes {kubernetes.__version__}')";
    let output = Command::new(python).args(["-c", ask]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
