//! Whether a running node says it is ready, over its metrics port.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long one answer may take: a node that is busy counts as running, not as ready.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whether `GET /readyz` answers 200.
pub(in crate::edge::local) fn is_ready(address: IpAddr, port: u16) -> bool {
    ask(SocketAddr::new(address, port)).unwrap_or(false)
}

fn ask(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    // `HTTP/1.0` or `HTTP/1.1`, then the code (RFC 9112, 4).
    Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
}

/// Whether anybody listens there. Asked by connecting: binding would take the port away from a node that is about to.
pub(in crate::edge::local) fn is_listening(address: IpAddr, port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), PATIENCE).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn answer(text: &'static str) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 64];
            let _ = stream.read(&mut request).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
        });
        let ready = is_ready(address.ip(), address.port());
        server.join().unwrap();
        ready
    }

    #[test]
    fn only_a_200_is_ready() {
        assert!(answer("HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!answer("HTTP/1.1 503 Service Unavailable\r\n\r\n"));
        assert!(!answer("HTTP"));
    }
}
