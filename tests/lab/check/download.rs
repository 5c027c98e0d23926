//! Somebody downloads, and fills the line: one TCP connection from the world to PC 2, which takes whatever
//! the line carries, for as long as this lives.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};

use crate::Lab;
use crate::network::COLLECTOR;

/// A download under way.
#[derive(Debug)]
pub struct Download(TcpStream);

impl Download {
    /// Starts one.
    pub fn over(lab: &Lab) -> Self {
        // As most servers send: others, such as BBR, take care not to fill a queue.
        let world = &lab.network().world;
        world
            .set("net.ipv4.tcp_congestion_control", "reno")
            .unwrap();
        let listen = || TcpListener::bind((COLLECTOR, 0));
        let listener = world.inside(listen).unwrap().unwrap();
        let port = listener.local_addr().unwrap().port();
        let connect = move || TcpStream::connect((COLLECTOR, port));
        let taken = lab.pc(2).inside(connect).unwrap().unwrap();
        let mut given = listener.accept().unwrap().0;
        std::thread::spawn(move || while given.write_all(&[0; 16 * 1024]).is_ok() {});
        let mut reading = taken.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while reading.read(&mut bytes).is_ok_and(|read| read > 0) {}
        });
        Self(taken)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Reading ends at once; writing with the refusal of the next packet.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}
