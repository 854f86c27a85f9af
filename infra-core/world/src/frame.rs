//! One sealed frame: `length | nonce | ciphertext`. The place of a frame in the file is part of
//! what is authenticated, so frames cannot be swapped, repeated or cut out of the middle.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};

const LENGTH: usize = 4;
const NONCE: usize = 24;

/// Seals and opens frames.
pub(super) struct Sealer(XChaCha20Poly1305);

/// What stands at the beginning of some bytes.
pub(super) enum Read<'a> {
    /// The plain text, and the bytes after the frame.
    Frame(Vec<u8>, &'a [u8]),
    /// Not a whole frame: a writer died in the middle, its call was never answered.
    Torn,
    /// A whole frame that does not open.
    Unsealed,
}

impl Sealer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// A frame for `offset`.
    pub(super) fn seal(&self, plain: &[u8], offset: u64) -> std::io::Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| std::io::Error::other(e.to_string()))?;
        let sealed = self
            .0
            .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: &offset.to_le_bytes() })
            .map_err(|_| std::io::Error::other("sealing failed"))?;
        let length = u32::try_from(NONCE + sealed.len()).map_err(std::io::Error::other)?;
        let mut frame = Vec::with_capacity(LENGTH + NONCE + sealed.len());
        frame.extend(length.to_le_bytes());
        frame.extend(nonce);
        frame.extend(sealed);
        Ok(frame)
    }

    /// The frame at the beginning of `bytes`, which are at `offset` of the file.
    pub(super) fn open<'a>(&self, bytes: &'a [u8], offset: u64) -> Read<'a> {
        let Some((length, rest)) = bytes.split_first_chunk::<LENGTH>() else { return Read::Torn };
        let length = u32::from_le_bytes(*length) as usize;
        if rest.len() < length {
            return Read::Torn;
        }
        let (frame, rest) = rest.split_at(length);
        let Some((nonce, sealed)) = frame.split_first_chunk::<NONCE>() else {
            return Read::Unsealed;
        };
        let opened = self.0.decrypt(
            XNonce::from_slice(nonce),
            Payload { msg: sealed, aad: &offset.to_le_bytes() },
        );
        opened.map_or(Read::Unsealed, |plain| Read::Frame(plain, rest))
    }
}
