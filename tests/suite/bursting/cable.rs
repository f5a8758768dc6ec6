//! A way to a server that can be cut, and notes when something came back on it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

#[derive(Default)]
struct Inside {
    cut: bool,
    open: Vec<TcpStream>,
    answered: Vec<SystemTime>,
}

/// See above. Its threads end with the process.
pub struct Cable {
    /// `127.0.0.1:PORT`
    pub address: String,
    inside: Arc<Mutex<Inside>>,
}

impl Cable {
    /// To `upstream` (`127.0.0.1:PORT`).
    pub fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let inside: Arc<Mutex<Inside>> = Arc::default();
        let (shared, upstream) = (Arc::clone(&inside), upstream.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut now = shared.lock().unwrap();
                if now.cut {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                let (Ok(from), Ok(to)) = (client.try_clone(), server.try_clone()) else { continue };
                now.open.extend([client.try_clone(), server.try_clone()].into_iter().flatten());
                drop(now);
                std::thread::spawn(move || copy(from, to, |_| ()));
                let noted = Arc::clone(&shared);
                std::thread::spawn(move || {
                    copy(server, client, |at| noted.lock().unwrap().answered.push(at));
                });
            }
        });
        Self { address, inside }
    }

    /// Nothing passes any more, or things do again.
    pub fn cut(&self, cut: bool) {
        let mut inside = self.inside.lock().unwrap();
        inside.cut = cut;
        if cut {
            for stream in inside.open.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// When something came back.
    pub fn answered(&self) -> Vec<SystemTime> {
        self.inside.lock().unwrap().answered.clone()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, note: impl Fn(SystemTime)) {
    let mut buffer = vec![0; 65536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        note(SystemTime::now());
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
