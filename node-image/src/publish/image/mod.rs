//! The AMIs of one snapshot: one for each way to boot.

mod find;
mod register;
mod uefi_data;

pub(super) use find::{of_image, snapshot};
pub(super) use register::{Shape, ensure, keys_fit};
