//! Facts of an image that is as it must be.

use crate::facts::{Agent, Facts, Mount, SCHEMA, Socket, Target, Volume, Write};
use serde_json::json;

pub(crate) fn facts() -> Facts {
    let mount = |kind: &str, source: &str, writable, partition: Option<&str>| Mount {
        kind: kind.to_owned(),
        source: source.to_owned(),
        writable,
        partition: partition.map(str::to_owned),
    };
    let socket = |protocol: &str, address: &str, port| Socket {
        protocol: protocol.to_owned(),
        address: address.parse().unwrap(),
        port,
    };
    let modules = ["nvme", "ena", "virtio_net", "virtio_blk"];
    let writes = [
        ("/", Write::ReadOnly),
        ("/usr", Write::ReadOnly),
        ("/etc", Write::Done),
        ("/var", Write::Done),
    ];
    Facts {
        schema: SCHEMA,
        kernel: "6.1.0-56-cloud-amd64".to_owned(),
        uefi: true,
        secure_boot: false,
        random_ready_seconds: Some(0.5),
        random: Ok(()),
        root: Ok(vec![Target {
            kind: "verity".to_owned(),
            table: "1 259:2 259:3 4096 4096 100 0 sha256 00ff 11ee 1 panic_on_corruption"
                .to_owned(),
            status: "V".to_owned(),
        }]),
        mounts: Ok([
            ("/".to_owned(), mount("erofs", "/dev/mapper/root", false, None)),
            ("/etc".to_owned(), mount("overlay", "etc", true, None)),
            ("/var".to_owned(), mount("ext4", "/dev/nvme0n1p4", true, Some("floodway-var"))),
        ]
        .into()),
        volume: Ok(Volume {
            bytes: 8 << 30,
            table_end: 8 << 30,
            var_end: (8 << 30) - (1 << 20),
            var_bytes: (8 << 30) - (140 << 20),
            files_bytes: (8 << 30) - (350 << 20),
        }),
        boot_id: "7c7ff3a8-2f7b-4f4e-9c4c-0d6a0f3a4a01".to_owned(),
        starts_before: Ok(Vec::new()),
        writes: writes.map(|(folder, write)| (folder.to_owned(), write)).into(),
        modules: modules.map(|module| (module.to_owned(), Ok(()))).into(),
        gpu: None,
        agent: Agent {
            livez: Ok(200),
            readyz: Ok(200),
            status: Ok(json!({
                "instance": "i-0b007b007b007b007",
                "state": "serving",
                "lifecycle_state": "InService",
                "notice": "2038-01-01T00:00:00Z",
                "identity": { "floodway": { "pool": "boot-test" } },
                "phases": {
                    "init": [
                        { "name": "kernel", "seconds": 1.0 },
                        { "name": "verity", "seconds": 1.5 },
                    ],
                    "agent_seconds": 3.0,
                    "network_seconds": 3.25,
                    "identity_seconds": 3.3,
                    "ready_seconds": 3.3,
                },
            })),
        },
        listens: Ok(vec![
            socket("tcp", "0.0.0.0", 9470),
            socket("tcp", "127.0.0.53", 53),
            socket("udp", "127.0.0.53", 53),
            socket("udp", "172.31.0.10", 68),
            socket("udp", "0.0.0.0", 43605),
        ]),
        host_keys: Vec::new(),
        machine_id_built: Ok(String::new()),
        machine_id: Ok("0af1b2be2de946038a4d3e9d28de6738".to_owned()),
        logins: Ok(Vec::new()),
        started: Ok(()),
        failed_units: Ok(Vec::new()),
        complaints: Ok(Vec::new()),
        wall_seconds: 1_800_000_000.0,
        up_seconds: 6.5,
    }
}
