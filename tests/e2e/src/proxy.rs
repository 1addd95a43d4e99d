//! A stretch of a network: forwards a port of 127.0.0.1 to another one, until it is cut.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A port that forwards to another one. Dropping it closes both.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    /// Whether bytes pass. All connections look at it, and end with it.
    passes: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Forwards a free port to `target`, another port of 127.0.0.1. It need not be open yet.
    ///
    /// # Errors
    ///
    /// If there is no free port.
    pub async fn start(target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (passes, seen) = watch::channel(true);
        let accepting = tokio::spawn(accept(listener, SocketAddr::from((Ipv4Addr::LOCALHOST, target)), seen));
        Ok(Self { port, passes, accepting })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends all connections, and new ones at once, until [`Proxy::mend`].
    pub fn cut(&self) {
        self.passes.send_replace(false);
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.passes.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, passes: watch::Receiver<bool>) {
    // The port is kept while nothing passes: else another process could get it.
    while let Ok((client, _)) = listener.accept().await {
        if *passes.borrow() {
            tokio::spawn(forward(client, target, passes.clone()));
        }
    }
}

async fn forward(mut client: TcpStream, target: SocketAddr, mut passes: watch::Receiver<bool>) {
    let copying = async {
        let mut server = TcpStream::connect(target).await?;
        server.set_nodelay(true)?;
        client.set_nodelay(true)?;
        copy_bidirectional(&mut client, &mut server).await
    };
    // However it ends, both sides see the end of their connection.
    tokio::select! {
        _ = copying => {}
        _ = passes.wait_for(|passes| !passes) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_but_not_while_it_is_cut() {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let target = echo.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        let proxy = Proxy::start(target).await.unwrap();
        let talk = async || -> io::Result<TcpStream> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await?;
            stream.write_all(b"there").await?;
            let mut back = [0; 5];
            stream.read_exact(&mut back).await?;
            assert_eq!(&back, b"there");
            Ok(stream)
        };
        let mut open = talk().await.unwrap();
        proxy.cut();
        assert!(!matches!(open.read(&mut [0; 1]).await, Ok(1..)), "the connection lives");
        assert!(talk().await.is_err(), "a new one passes");
        proxy.mend();
        talk().await.unwrap();
        server.abort();
    }
}
