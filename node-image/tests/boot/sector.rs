//! Boot sectors, written byte by byte.

/// A program for a processor in real mode, as a BIOS starts it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sector {
    code: Vec<u8>,
    unmarked: bool,
}

impl Sector {
    /// Writes the text to the first serial port, as a line of its own: the BIOS has
    /// written there before.
    pub(crate) fn say(mut self, text: &str) -> Self {
        for byte in format!("\r\n{text}\r\n").bytes() {
            // mov dx, 0x3f8; mov al, byte; out dx, al
            self.code.extend([0xba, 0xf8, 0x03, 0xb0, byte, 0xee]);
        }
        self
    }

    /// Makes the last character of what was said the next one, here and on the disk: the
    /// next start says it.
    pub(crate) fn count(mut self) -> Self {
        // Behind it are the code's end for that character and an end of line.
        let at = u16::try_from(self.code.len() - 14).unwrap();
        let [low, high] = (0x7c00 + at).to_le_bytes();
        // xor ax, ax; mov ds, ax; mov es, ax; inc byte [at]
        self.code.extend([0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0xfe, 0x06, low, high]);
        // mov ax, 0x0301; mov cx, 1; mov dx, 0x80; mov bx, 0x7c00; int 0x13
        self.code.extend([0xb8, 0x01, 0x03, 0xb9, 0x01, 0x00, 0xba, 0x80, 0x00]);
        self.code.extend([0xbb, 0x00, 0x7c, 0xcd, 0x13]);
        self
    }

    /// Powers off by ACPI, where QEMU has its register.
    pub(crate) fn power_off(mut self) -> Self {
        // mov dx, 0x604; mov ax, 0x2000; out dx, ax
        self.code.extend([0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]);
        self.hang()
    }

    /// Restarts by the keyboard's controller.
    pub(crate) fn restart(mut self) -> Self {
        // mov al, 0xfe; out 0x64, al
        self.code.extend([0xb0, 0xfe, 0xe6, 0x64]);
        self.hang()
    }

    /// Does nothing any more.
    pub(crate) fn hang(mut self) -> Self {
        // cli; hlt; jmp to the hlt
        self.code.extend([0xfa, 0xf4, 0xeb, 0xfd]);
        self
    }

    /// Without what a BIOS knows a boot sector by.
    pub(crate) fn without_mark(mut self) -> Self {
        self.unmarked = true;
        self
    }

    /// Its 512 bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.code.clone();
        assert!(bytes.len() <= 446, "what is behind is no code");
        bytes.resize(510, 0);
        bytes.extend(if self.unmarked { [0, 0] } else { [0x55, 0xaa] });
        bytes
    }
}
