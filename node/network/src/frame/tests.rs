use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures::io::Cursor;
use proptest::prelude::*;
use tokio::runtime::Builder;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(10);

fn run<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    #[test]
    fn what_is_written_is_read(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..5)) {
        run(async {
            let mut wire = Cursor::new(Vec::new());
            for message in &messages {
                write(&mut wire, message, PATIENCE).await.unwrap();
            }
            wire.set_position(0);
            for message in &messages {
                let length = read_length(&mut wire, PATIENCE).await.unwrap().unwrap();
                assert_eq!(length as usize, message.len());
                assert_eq!(&read_bytes(&mut wire, message.len()).await.unwrap(), message);
            }
            assert!(read_length(&mut wire, PATIENCE).await.unwrap().is_none());
        });
    }

    #[test]
    fn no_bytes_make_it_panic_or_read_beyond_the_limit(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        run(async {
            let mut wire = Cursor::new(bytes);
            if let Ok(message) = read(&mut wire, 64, PATIENCE).await {
                assert!(message.len() <= 64);
            }
        });
    }
}

#[test]
fn long_messages_pass_in_pieces_and_can_be_skipped() {
    run(async {
        let long = vec![7; 3 * STEP_BYTES + 1];
        let mut wire = Cursor::new(Vec::new());
        write(&mut wire, &long, PATIENCE).await.unwrap();
        write(&mut wire, b"next", PATIENCE).await.unwrap();
        wire.set_position(0);
        let length = read_length(&mut wire, PATIENCE).await.unwrap().unwrap();
        skip(&mut wire, length as usize).await.unwrap();
        assert_eq!(read(&mut wire, 10, PATIENCE).await.unwrap(), b"next");
        wire.set_position(0);
        assert_eq!(read(&mut wire, long.len(), PATIENCE).await.unwrap(), long);
    });
}

#[test]
fn a_length_over_the_limit_is_an_error_before_a_byte_is_read() {
    run(async {
        let mut wire = Cursor::new(vec![255; 100]);
        let error = read(&mut wire, 64, PATIENCE).await.unwrap_err();
        assert!(matches!(error, FrameError::TooLong { length: 0xffff_ffff, max: 64 }));
        assert_eq!(wire.position(), 4);
    });
}

#[test]
fn who_says_nothing_more_is_cut_off() {
    run(async {
        let mut silent = Silent;
        assert!(matches!(read(&mut silent, 64, SHORT).await, Err(FrameError::TooSlow(_))));
        assert!(matches!(write(&mut silent, b"vote", SHORT).await, Err(FrameError::TooSlow(_))));
    });
}

/// Neither gives nor takes.
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
}

impl AsyncWrite for Silent {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}
