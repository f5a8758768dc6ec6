//! The calls of the kernel that no crate makes safe.
#![expect(unsafe_code, reason = "device-mapper and partition tables are reached by ioctl alone")]

use rustix::ioctl::{Direction, Ioctl, IoctlOutput, NoArg, Opcode, ioctl, opcode};
use std::ffi::c_void;
use std::fs::File;
use std::io;

/// Bytes of `struct dm_ioctl`, with which every message begins.
pub(super) const DM_HEADER: usize = 312;
/// Where its `data_size` stands.
pub(super) const DM_SIZE_AT: usize = 12;
const DM_GROUP: u8 = 0xfd;
/// `BLKRRPART`
const REREAD_PARTITIONS: Opcode = opcode::none(0x12, 95);

/// A call that reads a message and writes its answer over it.
struct DeviceMapper<'a> {
    command: u8,
    message: &'a mut [u8],
}

// SAFETY: the kernel reads and writes as many bytes as the message says that it has,
// which `device_mapper` has compared with its length; it keeps no pointer.
unsafe impl Ioctl for DeviceMapper<'_> {
    type Output = ();

    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::from_components(Direction::ReadWrite, DM_GROUP, self.command, DM_HEADER)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        self.message.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Sends `message` to `/dev/mapper/control`; the answer stands in it.
///
/// # Errors
/// It is no message, or the kernel refuses it.
pub(super) fn device_mapper(control: &File, command: u8, message: &mut [u8]) -> io::Result<()> {
    let says = message.get(DM_SIZE_AT..).and_then(|rest| rest.first_chunk());
    let says = says.map(|bytes| u32::from_ne_bytes(*bytes));
    if message.len() < DM_HEADER || says.map(usize::try_from) != Some(Ok(message.len())) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the file is device-mapper's, or knows no call of this group; see above.
    unsafe { ioctl(control, DeviceMapper { command, message }) }.map_err(Into::into)
}

/// Makes the kernel read the partition table of `disk` again.
///
/// # Errors
/// A partition is in use, or the file is no disk.
pub(super) fn reread_partitions(disk: &File) -> io::Result<()> {
    // SAFETY: the call takes no argument.
    unsafe { ioctl(disk, NoArg::<REREAD_PARTITIONS>::new()) }.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_lies_about_its_length_is_not_sent() {
        let file = tempfile::tempfile().unwrap();
        let kind = |message: &mut [u8]| device_mapper(&file, 0, message).unwrap_err().kind();
        assert_eq!(kind(&mut [0; 8]), io::ErrorKind::InvalidInput);
        let mut message = [0; DM_HEADER];
        assert_eq!(kind(&mut message), io::ErrorKind::InvalidInput);
        message[DM_SIZE_AT..DM_SIZE_AT + 4].copy_from_slice(&400_u32.to_ne_bytes());
        assert_eq!(kind(&mut message), io::ErrorKind::InvalidInput);
        // One that does not lie reaches the file, which knows no such call.
        message[DM_SIZE_AT..DM_SIZE_AT + 4].copy_from_slice(&312_u32.to_ne_bytes());
        assert_eq!(kind(&mut message), rustix::io::Errno::NOTTY.kind());
        assert!(reread_partitions(&file).is_err());
    }
}
