//! What the Kubernetes API sends in protobuf, any bytes. The first says whether it is a watch, and in pieces of what size it comes: that
//! must not matter.

use watcher::pod::Pod;
use watcher::protobuf::{Object, Reading};

pub(crate) fn check(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let watch = first % 2 == 1;
    let piece = usize::from(first / 2).max(1);
    assert_eq!(said::<Pod>(watch, data, piece), said::<Pod>(watch, data, usize::MAX));
}

/// What was said until it couldn't be read any more.
fn said<K: Object + std::fmt::Debug>(watch: bool, data: &[u8], piece: usize) -> Vec<String> {
    let mut reading = Reading::<K>::new(watch);
    let mut said = Vec::new();
    for piece in data.chunks(piece) {
        reading.take(piece);
        loop {
            match reading.said() {
                Ok(Some(next)) => said.push(format!("{next:?}")),
                Ok(None) => break,
                Err(_) => return said,
            }
        }
    }
    said.extend(reading.end().ok().flatten().map(|last| format!("{last:?}")));
    said
}
