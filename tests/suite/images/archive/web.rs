//! A folder, served by HTTP on loopback.

use crate::support::web::request;
use std::fs;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// It ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    ended: Arc<AtomicBool>,
}

impl Server {
    /// Serves what lies in `folder` when it is asked for.
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (over, folder) = (Arc::clone(&ended), folder.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let folder = folder.clone();
                std::thread::spawn(move || client.map(|client| answer(client, &folder)));
            }
        });
        Self { address, ended }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// One request after the other, as a client of packages asks.
fn answer(mut client: TcpStream, folder: &Path) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    while let Some((line, _)) = request(&mut reader) {
        let (status, body) = match fs::read(path(folder, &line)?) {
            Ok(body) => ("200 OK", body),
            Err(_) => ("404 Not Found", Vec::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
        client.write_all(head.as_bytes()).ok()?;
        client.write_all(&body).ok()?;
    }
    None
}

/// What `GET /a%7eb HTTP/1.1` asks for.
fn path(folder: &Path, line: &str) -> Option<PathBuf> {
    let mut parts = line.split(' ').nth(1)?.split('%');
    let mut path = parts.next()?.trim_start_matches('/').to_owned();
    for part in parts {
        path.push(char::from(u8::from_str_radix(part.get(..2)?, 16).ok()?));
        path += &part[2..];
    }
    Some(folder.join(path))
}
