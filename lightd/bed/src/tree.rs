//! The files by which a host knows its USB devices, under a folder that umockdev's preload puts in front of `/sys` and
//! `/dev`.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode};

use crate::EmulatedStick;
use crate::descriptors::{self, CONFIGURATIONS, MANUFACTURER, PRODUCT, VENDOR};

const CONTROLLER: &str = "sys/devices/pci0000:00/0000:00:14.0";
/// A root hub for USB 2.0, with one interrupt endpoint.
const ROOT_HUB: [u8; 43] = [
    18, 1, 0x00, 0x02, 9, 0, 1, 64, 0x6b, 0x1d, 0x02, 0x00, 0x01, 0x06, 3, 2, 1, 1, // device
    9, 2, 25, 0, 1, 1, 0, 0xe0, 0, // configuration
    9, 4, 0, 0, 1, 9, 0, 0, 0, // interface
    7, 5, 0x81, 3, 4, 0, 12, // endpoint
];

/// Makes a host with a bus, number 1, and nothing on it.
pub(crate) fn make(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root.join("sys/class"))?;
    fs::create_dir_all(root.join("sys/bus/usb/devices"))?;
    fs::create_dir_all(root.join("dev/.node"))?;
    let hub = [
        ("idVendor", "1d6b".to_owned()),
        ("idProduct", "0002".to_owned()),
        ("bcdDevice", "0601".to_owned()),
        ("bDeviceClass", "09".to_owned()),
        ("speed", "480".to_owned()),
        ("product", "xHCI Host Controller".to_owned()),
        ("serial", "0000:00:14.0".to_owned()),
    ];
    let places = Places::new(root, "usb1", 1);
    sysfs(&places, "usb1", 1, &hub, &ROOT_HUB)?;
    fs::write(&places.node, [])?;
    symlink("189:0", &places.number)?;
    places.list()
}

/// Takes all of USB from the host, or gives it back. An empty folder stays, lest the real `/dev/bus/usb` shine through.
pub(crate) fn hide(root: &Path, hidden: bool) -> io::Result<()> {
    for (folder, aside) in [("sys/bus/usb", "sys/bus/hidden"), ("dev/bus/usb", "dev/bus/hidden")] {
        let (folder, aside) = (root.join(folder), root.join(aside));
        if hidden {
            fs::rename(&folder, &aside)?;
            if folder.starts_with(root.join("dev")) {
                fs::create_dir(&folder)?;
            }
        } else {
            // Onto the empty folder, too.
            fs::rename(&aside, &folder)?;
        }
    }
    Ok(())
}

/// Where the files of one device are.
#[derive(Debug)]
pub(crate) struct Places {
    folder: PathBuf,
    /// In `sys/bus/usb/devices`.
    link: PathBuf,
    target: PathBuf,
    /// The device node: a FIFO, on which whoever opened it polls until something can be reaped.
    pub(crate) node: PathBuf,
    number: PathBuf,
    /// Where the preload takes the node's ioctls to.
    pub(crate) socket: PathBuf,
}

impl Places {
    pub(crate) fn new(root: &Path, name: &str, address: u8) -> Self {
        let path = if name == "usb1" { "usb1".to_owned() } else { format!("usb1/{name}") };
        Self {
            folder: root.join(CONTROLLER).join(&path),
            link: root.join("sys/bus/usb/devices").join(name),
            target: Path::new("../../../..").join(CONTROLLER).join(&path),
            node: root.join(format!("dev/bus/usb/001/{address:03}")),
            number: root.join(format!("dev/.node/bus_usb_001_{address:03}")),
            socket: root.join(format!("ioctl/dev/bus/usb/001/{address:03}")),
        }
    }

    /// The stick comes to be, but isn't listed yet.
    pub(crate) fn plug(&self, name: &str, address: u8, stick: &EmulatedStick) -> io::Result<()> {
        let mut attributes = vec![
            ("idVendor", format!("{VENDOR:04x}")),
            ("idProduct", format!("{PRODUCT:04x}")),
            ("bcdDevice", format!("{:04x}", stick.bcd_device)),
            ("bDeviceClass", "00".to_owned()),
            ("speed", "1.5".to_owned()),
            ("version", " 1.10".to_owned()),
            ("bMaxPower", "100mA".to_owned()),
            ("manufacturer", MANUFACTURER.to_owned()),
            ("product", descriptors::product(stick).to_owned()),
        ];
        // Of an empty string the kernel makes no file.
        if !stick.serial.is_empty() {
            attributes.push(("serial", stick.serial.clone()));
        }
        sysfs(self, name, address, &attributes, &[&descriptors::device(stick)[..], &CONFIGURATIONS].concat())?;
        rustix::fs::mknodat(CWD, &self.node, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        symlink(format!("189:{}", address - 1), &self.number)
    }

    /// The stick is listed: from now on it is found.
    pub(crate) fn list(&self) -> io::Result<()> {
        symlink(&self.target, &self.link)
    }

    /// The stick is no more. What a client has open stays so.
    pub(crate) fn unplug(&self) -> io::Result<()> {
        fs::remove_file(&self.link)?;
        fs::remove_dir_all(&self.folder)?;
        fs::remove_file(&self.node)?;
        fs::remove_file(&self.number)?;
        fs::remove_file(&self.socket)
    }

    pub(crate) fn allow(&self, allowed: bool) -> io::Result<()> {
        fs::set_permissions(&self.node, fs::Permissions::from_mode(if allowed { 0o660 } else { 0 }))
    }
}

fn sysfs(
    places: &Places,
    name: &str,
    address: u8,
    attributes: &[(&str, String)],
    descriptors: &[u8],
) -> io::Result<()> {
    for folder in [Some(places.folder.as_path()), places.node.parent(), places.socket.parent()].into_iter().flatten() {
        fs::create_dir_all(folder)?;
    }
    let minor = address - 1;
    let uevent = format!(
        "MAJOR=189\nMINOR={minor}\nDEVNAME=bus/usb/001/{address:03}\nDEVTYPE=usb_device\nDRIVER=usb\nBUSNUM=001\nDEVNUM={address:03}"
    );
    let common = [
        ("busnum", "1".to_owned()),
        ("devnum", address.to_string()),
        ("devpath", name.split_once('-').map_or("0", |(_, port)| port).to_owned()),
        ("dev", format!("189:{minor}")),
        ("bNumConfigurations", "1".to_owned()),
        ("bConfigurationValue", "1".to_owned()),
        ("bNumInterfaces", " 1".to_owned()),
        ("uevent", uevent),
    ];
    for (file, value) in common.iter().chain(attributes) {
        fs::write(places.folder.join(file), format!("{value}\n"))?;
    }
    fs::write(places.folder.join("descriptors"), descriptors)?;
    // As many steps up to `sys` as the target has below it, which begins with four steps up and `sys`.
    let up = places.target.iter().skip(5).map(|_| "..").collect::<PathBuf>();
    symlink(up.join("bus/usb"), places.folder.join("subsystem"))
}
