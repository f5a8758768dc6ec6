//! QEMU's own word on how the machine ended, by its monitor:
//! <https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html>

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

/// All that is read of it, in bytes: a few events are a few KiB.
const MOST: u64 = 1024 * 1024;

/// Why QEMU ended, in QEMU's words: `guest-shutdown`, `guest-reset`,
/// `host-signal`; none: it did not say.
pub(super) async fn shutdown<R, W>(from: R, mut to: W) -> Option<String>
where
    R: tokio::io::AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    #[derive(Deserialize)]
    struct Event {
        event: String,
        #[serde(default)]
        data: Data,
    }
    #[derive(Default, Deserialize)]
    struct Data {
        #[serde(default)]
        reason: String,
    }
    // Before this it tells nothing.
    to.write_all(b"{\"execute\":\"qmp_capabilities\"}\n").await.ok()?;
    let mut lines = BufReader::new(from.take(MOST)).lines();
    let mut reason = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(Event { event, data }) = serde_json::from_str(&line)
            && event == "SHUTDOWN"
        {
            // The first word counts: what follows is QEMU's own end.
            reason.get_or_insert(data.reason);
        }
    }
    reason
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (Option<String>, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut asked = Vec::new();
        let reason = runtime.block_on(shutdown(text.as_bytes(), &mut asked));
        (reason, String::from_utf8(asked).unwrap())
    }

    #[test]
    fn the_first_reason_counts() {
        let (reason, asked) = said(concat!(
            "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n{\"return\":{}}\r\n",
            "{\"timestamp\":{},\"event\":\"NIC_RX_FILTER_CHANGED\",\"data\":{\"path\":\"x\"}}\r\n",
            "{\"timestamp\":{},\"event\":\"POWERDOWN\"}\r\n",
            "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-shutdown\"}}\r\n",
            "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,\"reason\":\"host-signal\"}}\r\n",
        ));
        assert_eq!(reason.as_deref(), Some("guest-shutdown"));
        assert!(asked.contains("qmp_capabilities"));
    }

    #[test]
    fn a_monitor_that_says_nothing_gives_no_reason() {
        assert_eq!(said("").0, None);
        assert_eq!(said("not json\n{\"event\":1}\n").0, None);
    }
}
