//! Device nodes of USB: which there are on some buses, their numbers, their places. Pure: makes none.

use std::path::PathBuf;

/// As many buses as can be offered: a container with 2,048 devices starts; with 8,192 rules, cgroup v2 refuses it.
pub const MOST_BUSES: u8 = 16;
/// `USB_DEVICE_MAJOR` of the kernel.
pub(super) const MAJOR: u32 = 189;
/// Devices that a bus may have, from 1: USB's addresses are of 7 bits.
const DEVICES: u8 = 127;

/// The node of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Node {
    bus: u8,
    device: u8,
}

impl Node {
    /// The minor number: each bus has 128, and the first bus and its first device are 1.
    pub(super) fn minor(self) -> u32 {
        u32::from(self.bus - 1) * 128 + u32::from(self.device - 1)
    }

    /// "001/002": under `/dev/bus/usb` and under the folder of the host.
    pub(super) fn place(self) -> PathBuf {
        PathBuf::from(format!("{:03}/{:03}", self.bus, self.device))
    }
}

/// All nodes of `buses`, which count from 1.
pub(super) fn of(buses: &[u8]) -> Vec<Node> {
    let real = buses.iter().filter(|bus| **bus > 0);
    real.flat_map(|bus| (1..=DEVICES).map(|device| Node { bus: *bus, device })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bus_has_a_node_for_every_address() {
        assert_eq!(of(&[1, 2, 3, 4]).len(), 508);
        let most: Vec<u8> = (1..=MOST_BUSES).collect();
        assert!(of(&most).len() <= 2048);
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[0]), []);
    }

    #[test]
    fn nodes_are_numbered_as_the_kernel_numbers_them() {
        let node = |bus, device| Node { bus, device };
        assert_eq!([node(1, 1), node(1, 127), node(2, 1), node(4, 127)].map(Node::minor), [0, 126, 128, 510]);
        assert_eq!(node(16, 9).place(), PathBuf::from("016/009"));
    }
}
