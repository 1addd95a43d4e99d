//! The first words on a connection. Both sides say who they are at once, judge what they hear, and say that, too.

use std::{future::Future, time::Duration};

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use parity_scale_codec::{DecodeAll, Encode};

use crate::{
    Refusal, Status,
    frame::{self, FrameError},
    limits,
    message::Verdict,
};

#[cfg(test)]
mod tests;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Both want the connection.
    Welcome(Status),
    /// We do not want it.
    RefusedByUs(Refusal),
    /// They do not want it.
    RefusedByThem(Refusal),
}

/// Why it did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("what the peer says does not decode: {0}")]
    Malformed(parity_scale_codec::Error),
}

/// What is wrong with the chain or the version of another node, if anything is.
pub(crate) fn judge(ours: &Status, theirs: &Status) -> Result<(), Refusal> {
    // The chain first: nodes of another chain may well be of another version, but that helps nobody.
    if ours.genesis != theirs.genesis {
        return Err(Refusal::Genesis { ours: ours.genesis, theirs: theirs.genesis });
    }
    if ours.version != theirs.version {
        return Err(Refusal::Version { ours: ours.version, theirs: theirs.version });
    }
    Ok(())
}

/// Both sides run this. `place` takes a place for the peer, and is asked only if nothing else is wrong.
pub(crate) async fn run<S, F>(
    stream: &mut S,
    ours: Status,
    place: impl FnOnce() -> F,
    patience: Duration,
) -> Result<Outcome, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = Result<(), Refusal>>,
{
    frame::write(stream, &ours.encode(), patience).await?;
    let theirs = frame::read(stream, limits::HANDSHAKE_BYTES_MAX, patience).await?;
    // Later versions may say more: the beginning is what all have in common.
    let theirs = <Status as parity_scale_codec::Decode>::decode(&mut &theirs[..])
        .map_err(HandshakeError::Malformed)?;
    let judged = match judge(&ours, &theirs) {
        Ok(()) => place().await,
        wrong => wrong,
    };
    let verdict = match &judged {
        Ok(()) => Verdict::Welcome,
        Err(refusal) => Verdict::Refused(refusal.clone()),
    };
    frame::write(stream, &verdict.encode(), patience).await?;
    // Of one that we refuse, the answer changes nothing: reading it only gives ours the time to arrive.
    let patience = if judged.is_ok() { patience } else { limits::REFUSAL_LINGER };
    let answer = frame::read(stream, limits::HANDSHAKE_BYTES_MAX, patience).await;
    // It has been said: whether it arrives is no longer ours.
    let _ = stream.close().await;
    if let Err(refusal) = judged {
        return Ok(Outcome::RefusedByUs(refusal));
    }
    match Verdict::decode_all(&mut &answer?[..]).map_err(HandshakeError::Malformed)? {
        Verdict::Welcome => Ok(Outcome::Welcome(theirs)),
        Verdict::Refused(refusal) => Ok(Outcome::RefusedByThem(refusal)),
    }
}
