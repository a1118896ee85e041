//! Linux's numbers of errors, as URBs and ioctls end with them.

pub(crate) const ENOENT: i32 = 2;
pub(crate) const EAGAIN: i32 = 11;
pub(crate) const ENODEV: i32 = 19;
pub(crate) const EINVAL: i32 = 22;
pub(crate) const ENOTTY: i32 = 25;
pub(crate) const EPIPE: i32 = 32;
pub(crate) const ENODATA: i32 = 61;
pub(crate) const EPROTO: i32 = 71;
pub(crate) const ECONNRESET: i32 = 104;
pub(crate) const ESHUTDOWN: i32 = 108;
