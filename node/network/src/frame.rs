//! Messages on streams: their length in four bytes, little endian, and then themselves.

use std::{future::Future, io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

#[cfg(test)]
mod tests;

/// The bytes of the length.
pub(crate) const PREFIX_BYTES: usize = 4;
/// Memory is taken in such steps, as the bytes come, so that a length alone takes none.
const STEP_BYTES: usize = 64 * 1024;

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the message has {length} bytes; {max} are the most")]
    TooLong { length: u64, max: usize },
    #[error("a message did not pass within {0:?}")]
    TooSlow(Duration),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a length. `None` when the stream ends before it. Waits as long as it takes for the first byte, and `patience` for
/// the others.
pub(crate) async fn read_length<S: AsyncRead + Unpin>(
    stream: &mut S,
    patience: Duration,
) -> Result<Option<u32>, FrameError> {
    let mut prefix = [0; PREFIX_BYTES];
    if stream.read(&mut prefix[..1]).await? == 0 {
        return Ok(None);
    }
    within(patience, stream.read_exact(&mut prefix[1..])).await?;
    Ok(Some(u32::from_le_bytes(prefix)))
}

/// Reads `length` bytes.
pub(crate) async fn read_bytes<S: AsyncRead + Unpin>(stream: &mut S, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let have = bytes.len();
        bytes.resize(length.min(have + STEP_BYTES), 0);
        stream.read_exact(&mut bytes[have..]).await?;
    }
    Ok(bytes)
}

/// Reads `length` bytes and drops them.
pub(crate) async fn skip<S: AsyncRead + Unpin>(stream: &mut S, length: usize) -> io::Result<()> {
    let mut scrap = [0; 4096];
    let mut left = length;
    while left > 0 {
        let step = left.min(scrap.len());
        stream.read_exact(&mut scrap[..step]).await?;
        left -= step;
    }
    Ok(())
}

/// Reads one message that is due: all of it within `patience`.
pub(crate) async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    max: usize,
    patience: Duration,
) -> Result<Vec<u8>, FrameError> {
    within(patience, async {
        let mut prefix = [0; PREFIX_BYTES];
        stream.read_exact(&mut prefix).await?;
        let length = u32::from_le_bytes(prefix);
        match usize::try_from(length) {
            Ok(fits) if fits <= max => Ok(Ok(read_bytes(stream, fits).await?)),
            _ => Ok(Err(FrameError::TooLong { length: length.into(), max })),
        }
    })
    .await?
}

/// Writes one message within `patience`.
pub(crate) async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    message: &[u8],
    patience: Duration,
) -> Result<(), FrameError> {
    let length = u32::try_from(message.len())
        .map_err(|_| FrameError::TooLong { length: message.len() as u64, max: u32::MAX as usize })?;
    within(patience, async {
        // In one piece when short: a vote is one frame below.
        if message.len() <= STEP_BYTES {
            let mut whole = Vec::with_capacity(PREFIX_BYTES + message.len());
            whole.extend_from_slice(&length.to_le_bytes());
            whole.extend_from_slice(message);
            stream.write_all(&whole).await?;
        } else {
            stream.write_all(&length.to_le_bytes()).await?;
            stream.write_all(message).await?;
        }
        stream.flush().await
    })
    .await
}

/// Runs `work` for at most `patience`.
pub(crate) async fn within<T>(
    patience: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, FrameError> {
    match tokio::time::timeout(patience, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(FrameError::TooSlow(patience)),
    }
}
