//! Edge: the folder that holds the nodes. Makes those that are missing or wrong, and lets nobody in but root and the
//! container runtime: the nodes themselves may be opened by whoever reaches them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::nodes::{MAJOR, Node};

/// Of the folder: its owner alone. The container runtime is root with all rights.
const FOLDER: u32 = 0o700;
/// Of a node: anyone in the container, for lightd is nobody there.
const NODE: u32 = 0o666;

/// Why there are no nodes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The folder can't be made or written to.
    #[error("folder not writable: {} ({why}); it must belong to root, on a file system that isn't read-only", .folder.display())]
    NotWritable {
        /// The folder, or what is in it.
        folder: PathBuf,
        why: io::Error,
    },
    /// A node may not be made in it.
    #[error(
        "MKNOD refused: {} can't be made; the plugin needs uid 0 and the capability MKNOD, in no user namespace",
        .node.display()
    )]
    Mknod {
        /// The first of them.
        node: PathBuf,
    },
}

/// Sees that `folder` holds `nodes`, as they have to be. Others are left: who isn't told of them can't use them.
pub(super) fn fill(folder: &Path, nodes: &[Node]) -> Result<(), Refusal> {
    let kept = |result: io::Result<()>, folder: &Path| {
        result.map_err(|why| Refusal::NotWritable { folder: folder.to_owned(), why })
    };
    kept(fs::create_dir_all(folder), folder)?;
    kept(allow(folder, FOLDER), folder)?;
    for node in nodes {
        let path = folder.join(node.place());
        if is_right(&path, *node) {
            continue;
        }
        let bus = path.parent().unwrap_or(folder);
        kept(fs::create_dir_all(bus), bus)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => kept(Err(error), &path)?,
            _ => {}
        }
        mknodat(CWD, &path, FileType::CharacterDevice, Mode::from_raw_mode(NODE), makedev(MAJOR, node.minor()))
            .map_err(io::Error::from)
            .map_err(|error| refused(&path, error))?;
        // Whatever the umask says.
        kept(allow(&path, NODE), &path)?;
    }
    Ok(())
}

fn refused(node: &Path, why: io::Error) -> Refusal {
    // EPERM: no capability. EACCES would be the folder's.
    match why.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::PERM) => Refusal::Mknod { node: node.to_owned() },
        _ => Refusal::NotWritable { folder: node.to_owned(), why },
    }
}

fn allow(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn is_right(path: &Path, node: Node) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| {
        found.file_type().is_char_device()
            && found.rdev() == makedev(MAJOR, node.minor())
            && found.mode() & 0o777 == NODE
    })
}

#[cfg(test)]
mod tests {
    use super::super::nodes;
    use super::*;

    #[test]
    fn a_refusal_says_what_is_missing() {
        let error = |errno: rustix::io::Errno| refused(Path::new("/f/001/001"), errno.into()).to_string();
        assert!(error(rustix::io::Errno::PERM).starts_with("MKNOD refused: /f/001/001"));
        assert!(error(rustix::io::Errno::ROFS).starts_with("folder not writable: /f/001/001"));
        assert!(error(rustix::io::Errno::ACCESS).starts_with("folder not writable: /f/001/001"));
    }

    #[test]
    fn a_folder_that_can_not_be_made_is_not_writable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = fill(&file.path().join("usb"), &nodes::of(&[1])).unwrap_err();
        assert!(matches!(refusal, Refusal::NotWritable { .. }), "{refusal}");
    }

    /// Where nodes may be made at all, which takes root: all is as it should be, and what isn't is set right. Elsewhere
    /// the refusal is the test.
    #[test]
    fn a_folder_has_all_nodes_and_lets_nobody_else_in() {
        let folder = tempfile::tempdir().unwrap();
        let (path, nodes) = (folder.path().join("usb"), nodes::of(&[1, 2]));
        if let Err(refusal) = fill(&path, &nodes) {
            assert!(matches!(refusal, Refusal::Mknod { .. }), "{refusal}");
            return;
        }
        fs::remove_file(path.join("001/001")).unwrap();
        fs::write(path.join("001/001"), "no node").unwrap();
        allow(&path.join("001/002"), 0o600).unwrap();
        fs::remove_dir_all(path.join("002")).unwrap();
        allow(&path, 0o777).unwrap();
        fill(&path, &nodes).unwrap();
        assert!(nodes.iter().all(|node| is_right(&path.join(node.place()), *node)));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, FOLDER);
    }
}
