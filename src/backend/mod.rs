//! The ports, implemented: the only code that talks to a cluster, a cloud, the
//! embedded simulator or the disk.

pub mod files;
