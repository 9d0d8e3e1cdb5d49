//! Bodies of requests in memory: each in one buffer, and all of them together within a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Body as _;

/// The bytes that are left for the bodies of all requests.
#[derive(Debug)]
pub(super) struct Room(AtomicUsize);

/// A share of the room, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    bytes: usize,
}

/// A body that has come whole.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    pub(super) share: Share,
}

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotTaken {
    TooLarge,
    /// The bodies of other requests leave no room.
    NoRoom,
    /// The body broke off, or its chunks are no chunks.
    Broken,
}

/// How much a buffer is larger than what it holds when the client does not say how much comes.
const STEP: usize = 64 << 10;

impl Room {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> Result<(), NotTaken> {
        let left = |it: usize| it.checked_sub(bytes);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
            Ok(_) => Ok(()),
            Err(_) => Err(NotTaken::NoRoom),
        }
    }
}

impl Share {
    const fn of(room: Arc<Room>) -> Self {
        Self { room, bytes: 0 }
    }

    /// Makes the share larger.
    ///
    /// # Errors
    /// [`NotTaken::NoRoom`]; the share stays as it was.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), NotTaken> {
        self.room.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body to its end. The buffer grows as the body comes, whatever length the client declares.
pub(super) async fn read(incoming: &mut Body, limit: usize, room: &Arc<Room>) -> Result<Whole, NotTaken> {
    let declared = incoming.size_hint().exact().and_then(|it| usize::try_from(it).ok());
    let mut whole = Whole { bytes: Vec::new(), share: Share::of(room.clone()) };
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| NotTaken::Broken)?.into_data() else { continue };
        let length = whole.bytes.len() + data.len();
        if length > limit {
            return Err(NotTaken::TooLarge);
        }
        let capacity = whole.bytes.capacity();
        if length > capacity {
            let wanted = match declared {
                Some(declared) => declared.min(length.max(STEP / 2) * 2),
                None => (length + length.min(STEP)).min(limit),
            };
            let wanted = wanted.max(length);
            whole.share.grow(wanted - capacity)?;
            whole.bytes.reserve_exact(wanted - whole.bytes.len());
        }
        whole.bytes.extend_from_slice(&data);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Bytes;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    fn in_single_bytes(length: usize) -> Body {
        let frames = (0..length).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x"))));
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_body_in_small_chunks_takes_little_more_than_its_length() {
        let room = Room::new(1 << 30);
        let whole = read(&mut in_single_bytes(1 << 20), 4 << 20, &room).await.unwrap();
        assert_eq!(whole.bytes.len(), 1 << 20);
        assert!(whole.bytes.capacity() <= (1 << 20) + STEP, "{}", whole.bytes.capacity());
        assert_eq!(whole.share.bytes, whole.bytes.capacity());
    }

    #[tokio::test]
    async fn a_body_of_declared_length_takes_that() {
        let room = Room::new(1 << 30);
        let whole = read(&mut Body::from(vec![b'x'; 700]), 4 << 20, &room).await.unwrap();
        assert_eq!((whole.bytes.len(), whole.bytes.capacity()), (700, 700));
    }

    #[tokio::test]
    async fn bodies_share_the_room_and_give_it_back() {
        let room = Room::new(1000);
        let read = async |length| read(&mut Body::from(vec![b'x'; length]), 4 << 20, &room).await;
        let first = read(600).await.unwrap();
        assert_eq!(read(600).await.unwrap_err(), NotTaken::NoRoom);
        drop(first);
        read(600).await.unwrap();
        assert_eq!(room.0.load(Ordering::Relaxed), 1000);
    }
}
