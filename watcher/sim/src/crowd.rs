//! Pods and nodes of a large cluster, by number: made up, always the same, in the bytes of a Go API server.
//!
//! What pod 17 is follows from the crowd's seed, so nothing is kept and any of them can be had at once. Refuses to know who
//! lists or watches them.
//!
//! ```text
//!  number ──cast──▶ Part (whose pod, where, how it is) ──pod──▶ text with gaps, filled
//! ```

mod cast;
mod fill;
mod pod;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use cast::Part;
use fill::{fill, moment};

/// A cluster of so many pods on so many nodes.
///
/// About a sixth of the pods are of `DaemonSet`s, the others of Deployments, `StatefulSet`s, Jobs or of nobody. Most run and
/// are ready; of a thousand, some 60 are pending, unready, crash-looping, out of an image, terminating, evicted, failed or
/// completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// Another seed makes another crowd of the same kind.
    pub seed: u64,
    /// How many pods.
    pub pods: usize,
    /// How many nodes. At least one.
    pub nodes: usize,
    /// Nothing has happened after that. What changes does so from then on, a second a change.
    pub now: Timestamp,
}

/// Versions of what didn't change yet begin here, as long as those of a cluster that has been up for a year.
const FIRST_VERSION: u64 = 1_000_000_000;

impl Crowd {
    /// That of benchmarks, as it was on a day in 2026.
    pub fn new(pods: usize, nodes: usize) -> Self {
        const NOON: i64 = 1_772_366_400;

        let now = Timestamp::from_second(NOON).unwrap_or(Timestamp::UNIX_EPOCH);
        Self { seed: 0x706f_646c, pods, nodes, now }
    }

    /// Writes pod `number` after its `change`-th change, as an element of a list: without kind and version of the API.
    ///
    /// Of four changes the first and the third are of its version alone; with the second it begins to crash again and again,
    /// with the fourth it is as it was. A pod that has ended, is ending or has no node only ever gets other versions.
    pub fn pod(&self, number: usize, change: u64, out: &mut Vec<u8>) {
        out.push(b'{');
        pod::write(self, &Part::of(self, number), number, change, out);
        out.push(b'}');
    }

    /// Writes the line that a watch is sent of pod `number` after its `change`-th change.
    pub fn event(&self, number: usize, change: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","#);
        pod::write(self, &Part::of(self, number), number, change, out);
        out.extend_from_slice(b"}}\n");
    }

    /// The version of the pod that [`pod`](Self::pod) writes: those of later changes are larger.
    pub fn version(&self, number: usize, change: u64) -> u64 {
        FIRST_VERSION + change * self.pods as u64 + number as u64
    }

    /// The name of node `number`.
    pub fn node_name(&self, number: usize) -> String {
        format!("ip-10-{}-{}-{}.eu-west-1.compute.internal", number >> 12, (number >> 4) & 255, 16 + (number & 15))
    }

    /// Writes node `number`, which is Ready, as an element of a list.
    pub fn node(&self, number: usize, out: &mut Vec<u8>) {
        let name = self.node_name(number);
        let uid = self.dice("node", number).uid();
        let version = (FIRST_VERSION - 1 - number as u64).to_string();
        let (created, heard) = (moment(self.now, -30 * 86_400), moment(self.now, -20));
        let address = format!("10.{}.{}.{}", number >> 12, (number >> 4) & 255, 16 + (number & 15));
        let values = [
            ("name", name.as_str()),
            ("uid", &uid),
            ("version", &version),
            ("created", &created),
            ("heard", &heard),
            ("address", &address),
        ];
        fill(out, NODE, &values);
    }

    /// Dice for one `purpose` and `number`: they never depend on what was rolled before.
    fn dice(&self, purpose: &str, number: usize) -> Dice {
        let start =
            purpose.bytes().fold(self.seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut dice = Dice(start ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.roll();
        dice
    }
}

/// Numbers that look random: Steele, Lea and Flood's `SplitMix64`.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `count`, which isn't 0.
    fn below(&mut self, count: usize) -> usize {
        // The rest is less than a usize, for `count` is one.
        usize::try_from(self.roll() % count as u64).unwrap_or_default()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// As Kubernetes ends generated names: neither vowels nor what looks like one.
    fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(self.one_of(b"bcdfghjklmnpqrstvwxz2456789"))).collect()
    }

    fn uid(&mut self) -> String {
        let (a, b) = (self.roll(), self.roll());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }

    fn digest(&mut self) -> String {
        (0..4).map(|_| format!("{:016x}", self.roll())).collect()
    }
}

const NODE: &str = r#"{"metadata":{"name":"$name","uid":"$uid","resourceVersion":"$version","creationTimestamp":"$created",
    "labels":{"beta.kubernetes.io/arch":"amd64","beta.kubernetes.io/instance-type":"m6i.2xlarge","beta.kubernetes.io/os":"linux",
        "failure-domain.beta.kubernetes.io/region":"eu-west-1","failure-domain.beta.kubernetes.io/zone":"eu-west-1b",
        "kubernetes.io/arch":"amd64","kubernetes.io/hostname":"$name","kubernetes.io/os":"linux",
        "node.kubernetes.io/instance-type":"m6i.2xlarge","topology.kubernetes.io/region":"eu-west-1",
        "topology.kubernetes.io/zone":"eu-west-1b"},
    "annotations":{"alpha.kubernetes.io/provided-node-ip":"$address","node.alpha.kubernetes.io/ttl":"300",
        "volumes.kubernetes.io/controller-managed-attach-detach":"true"},
    "managedFields":[{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"$created","fieldsType":"FieldsV1",
        "fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:alpha.kubernetes.io/provided-node-ip":{},
            "f:volumes.kubernetes.io/controller-managed-attach-detach":{}},"f:labels":{".":{},"f:beta.kubernetes.io/arch":{},
            "f:beta.kubernetes.io/os":{},"f:kubernetes.io/arch":{},"f:kubernetes.io/hostname":{},"f:kubernetes.io/os":{},
            "f:node.kubernetes.io/instance-type":{}}},"f:spec":{"f:providerID":{}}}},
        {"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"$heard","fieldsType":"FieldsV1",
        "fieldsV1":{"f:status":{"f:allocatable":{"f:ephemeral-storage":{}},"f:conditions":{
            "k:{\"type\":\"DiskPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"MemoryPressure\"}":{"f:lastHeartbeatTime":{}},
            "k:{\"type\":\"PIDPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"Ready\"}":{"f:lastHeartbeatTime":{},
            "f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{}}},"f:images":{}}},"subresource":"status"}]},
    "spec":{"podCIDR":"10.42.0.0/24","podCIDRs":["10.42.0.0/24"],"providerID":"aws:///eu-west-1b/i-$uid"},
    "status":{"capacity":{"cpu":"8","ephemeral-storage":"83873772Ki","hugepages-1Gi":"0","hugepages-2Mi":"0","memory":"32408508Ki",
        "pods":"110"},"allocatable":{"cpu":"7910m","ephemeral-storage":"76224326324","hugepages-1Gi":"0","hugepages-2Mi":"0",
        "memory":"31391676Ki","pods":"110"},
    "conditions":[
        {"type":"MemoryPressure","status":"False","lastHeartbeatTime":"$heard","lastTransitionTime":"$created",
            "reason":"KubeletHasSufficientMemory","message":"kubelet has sufficient memory available"},
        {"type":"DiskPressure","status":"False","lastHeartbeatTime":"$heard","lastTransitionTime":"$created",
            "reason":"KubeletHasNoDiskPressure","message":"kubelet has no disk pressure"},
        {"type":"PIDPressure","status":"False","lastHeartbeatTime":"$heard","lastTransitionTime":"$created",
            "reason":"KubeletHasSufficientPID","message":"kubelet has sufficient PID available"},
        {"type":"Ready","status":"True","lastHeartbeatTime":"$heard","lastTransitionTime":"$created",
            "reason":"KubeletReady","message":"kubelet is posting ready status"}],
    "addresses":[{"type":"InternalIP","address":"$address"},{"type":"Hostname","address":"$name"}],
    "daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},
    "nodeInfo":{"machineID":"$uid","systemUUID":"$uid","bootID":"$uid","kernelVersion":"6.12.40","osImage":"Amazon Linux 2023",
        "containerRuntimeVersion":"containerd://2.1.4","kubeletVersion":"v1.35.0","kubeProxyVersion":"","operatingSystem":"linux",
        "architecture":"amd64"},
    "images":[{"names":["registry.example/platform/agent@sha256:$uid","registry.example/platform/agent:7.4.1"],"sizeBytes":91234567},
        {"names":["registry.example/platform/proxy@sha256:$uid","registry.example/platform/proxy:1.28.0"],"sizeBytes":61234567}]}}"#;
