//! QEMU's command line. All that it names lies in one folder, from which QEMU is
//! started, so that no path of the user's needs QEMU's own quoting.

use super::firmware::Firmware;
use super::options::{Bus, Options};
use crate::facts::PORT;
use std::ffi::OsString;
use std::path::Path;

/// The files of that folder.
pub(super) mod file {
    pub(crate) const DISK: &str = "disk.qcow2";
    pub(crate) const VARIABLES: &str = "variables.fd";
    pub(crate) const PORT: &str = "port";
    pub(crate) const MONITOR: &str = "monitor";
    pub(crate) const RELAY: &str = "relay";
}

/// The network: so wide that the metadata service's address is in it, since the
/// machine may talk to nobody else. The addresses are a VPC's.
const NETWORK: &str = "net=168.0.0.0/5,host=172.31.0.1,dns=172.31.0.2,dhcpstart=172.31.0.10";
const METADATA: &str = "tcp:169.254.169.254:80";

/// A board without what an instance has not either, and what firmware and kernel would
/// wait for. What a display would show goes to the serial console.
const BOARD: &str = "q35,graphics=off,hpet=off,usb=off,smbus=off,sata=off";

/// The words that carry one connection of the guest, standard input and output, to
/// the port of this machine that is the first argument.
pub(super) const RELAY: &str = "\
exec 2>/dev/null 3<>/dev/tcp/127.0.0.1/$1 4<&0 || exit 1
cat <&4 >&3 &
cat <&3
kill $!
";

/// What the machine is made of.
#[derive(Debug)]
pub(super) struct Machine<'m> {
    pub(super) options: &'m Options,
    pub(super) firmware: &'m Firmware,
    pub(super) kvm: bool,
    pub(super) bash: &'m Path,
    /// Where the metadata service listens on this machine.
    pub(super) imds_port: u16,
}

impl Machine<'_> {
    /// QEMU's arguments.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let options = self.options;
        let mut all = Vec::new();
        let mut add = |words: &[&str]| all.extend(words.iter().map(OsString::from));
        add(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        let secure = matches!(self.firmware, Firmware::Uefi { secure: true, .. });
        add(&["-machine", &format!("{BOARD}{}", if secure { ",smm=on" } else { "" })]);
        add(match self.kvm {
            true => &["-accel", "kvm", "-cpu", "host"],
            // Page tables of five levels cost a fifth of the time here, and serve nothing.
            false => &["-accel", "tcg", "-cpu", "max,la57=off"],
        });
        add(&["-smp", &options.cpus.to_string(), "-m", &options.memory_mib.to_string()]);
        if secure {
            // Only the firmware itself writes its variables.
            add(&["-global", "driver=cfi.pflash01,property=secure,value=on"]);
            add(&["-global", "ICH9-LPC.disable_s3=1"]);
        }
        if let Firmware::Uefi { code, .. } = self.firmware {
            let code = code.display();
            add(&["-drive", &format!("if=pflash,unit=0,format=raw,readonly=on,file={code}")]);
            let variables = file::VARIABLES;
            add(&["-drive", &format!("if=pflash,unit=1,format=raw,file={variables}")]);
            for way in ["IPv4PXESupport", "IPv6PXESupport"] {
                add(&["-fw_cfg", &format!("name=opt/org.tianocore/{way},string=n")]);
            }
        }
        // It is thrown away, so nothing needs to reach the disk of this machine.
        let disk = file::DISK;
        add(&["-drive", &format!("if=none,id=disk,format=qcow2,cache=unsafe,file={disk}")]);
        add(match options.bus {
            Bus::Nvme => &["-device", "nvme,drive=disk,serial=floodway,bootindex=0"],
            Bus::Virtio => &["-device", "virtio-blk-pci,drive=disk,bootindex=0"],
        });
        add(&["-netdev", &self.network()]);
        add(&["-device", "virtio-net-pci,netdev=net,romfile="]);
        add(&["-device", "virtio-rng-pci"]);
        add(&["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]);
        add(&["-device", "virtio-serial-pci"]);
        add(&["-chardev", &format!("socket,id=port,path={}", file::PORT)]);
        add(&["-device", &format!("virtserialport,chardev=port,name={PORT}")]);
        add(&["-chardev", &format!("socket,id=monitor,path={}", file::MONITOR)]);
        add(&["-mon", "chardev=monitor,mode=control"]);
        all
    }

    fn network(&self) -> String {
        // QEMU splits the command at spaces as a shell does, and doubles its commas.
        let bash = self.bash.display().to_string().replace('\'', "'\\''").replace(',', ",,");
        let relay = format!("'{bash}' {} {}", file::RELAY, self.imds_port);
        format!("user,id=net,{NETWORK},ipv6=off,restrict=on,guestfwd={METADATA}-cmd:{relay}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn arguments(options: &Options, firmware: &Firmware, kvm: bool) -> String {
        let bash = Path::new("/bin/bash");
        let machine = Machine { options, firmware, kvm, bash, imds_port: 4711 };
        let words = machine.arguments();
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_machine_is_as_the_options_say() {
        let options = Options { bus: Bus::Virtio, cpus: 3, memory_mib: 700, ..Options::default() };
        let said = arguments(&options, &Firmware::Bios, true);
        for part in ["-smp 3", "-m 700", "-accel kvm -cpu host", "virtio-blk-pci,drive=disk"] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(!said.contains("pflash") && !said.contains("smm=on"), "{said}");
    }

    #[test]
    fn the_guest_reaches_the_metadata_service_and_nobody_else() {
        let said = arguments(&Options::default(), &Firmware::Bios, false);
        assert!(said.contains("restrict=on"), "{said}");
        assert!(said.contains("169.254.169.254:80-cmd:'/bin/bash' relay 4711"), "{said}");
    }

    #[test]
    fn secure_boot_closes_the_variables() {
        let code = PathBuf::from("/usr/share/OVMF/x.fd");
        let firmware = Firmware::Uefi { code, variables: Vec::new(), secure: true };
        let said = arguments(&Options::default(), &firmware, false);
        for part in ["smm=on", "property=secure,value=on", "sata=off", "IPv4PXESupport,string=n"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}
