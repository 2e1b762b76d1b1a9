//! Bytes on disk. A blob is written once, under a name of its own, and never changed; an object is a list of blobs, one for each part.
//!
//! A blob goes with the last who holds it, unless a record on disk names it. So an object that is deleted while it is read is read to its
//! end, and what was never finished leaves nothing. Disk is read and written where it is needed, in small
//! pieces, without a thread of its own: nearly always it is the page cache that answers.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// How much is read at once.
const CHUNK: u64 = 128 * 1024;

/// A file that is deleted with its last handle, unless it is kept.
#[derive(Debug, Default)]
struct Blob {
    path: PathBuf,
    kept: AtomicBool,
}

impl Drop for Blob {
    fn drop(&mut self) {
        if !self.kept.load(Ordering::Relaxed) {
            // Gone already is as good; whatever else stays is swept at the next start.
            fs::remove_file(&self.path).ok();
        }
    }
}

/// One blob of an object, by its name in the bucket's folder of blobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) size: u64,
    #[serde(skip)]
    blob: Arc<Blob>,
}

impl Piece {
    /// A new, empty file that nobody keeps yet.
    pub(super) fn create(folder: &Path, name: String) -> io::Result<(Self, File)> {
        let path = folder.join(&name);
        let file = File::create_new(&path)?;
        Ok((Self { name, size: 0, blob: Arc::new(Blob { path, kept: AtomicBool::new(false) }) }, file))
    }

    /// Finds its file again after it was read from a record.
    pub(super) fn settle(&mut self, folder: &Path) {
        self.blob = Arc::new(Blob { path: folder.join(&self.name), kept: AtomicBool::new(true) });
    }

    /// A record on disk names it now.
    pub(super) fn keep(&self) {
        self.blob.kept.store(true, Ordering::Relaxed);
    }

    /// No record names it any more.
    pub(super) fn discard(&self) {
        self.blob.kept.store(false, Ordering::Relaxed);
    }
}

/// All bytes of these pieces.
pub(super) fn read_all(pieces: &[Piece]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in pieces {
        File::open(&piece.blob.path)?.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// How many bytes these pieces have together, and the first `limit` of them.
pub(super) fn read_beginning(pieces: &[Piece], limit: u64) -> io::Result<(u64, Vec<u8>)> {
    let (mut length, mut bytes) = (0, Vec::new());
    for piece in pieces {
        let file = File::open(&piece.blob.path)?;
        length += file.metadata()?.len();
        let wanted = limit.saturating_sub(bytes.len() as u64);
        file.take(wanted).read_to_end(&mut bytes)?;
    }
    Ok((length, bytes))
}

/// Reads a range of the bytes that pieces make together, chunk by chunk.
#[derive(Debug)]
pub(super) struct Reader {
    ahead: std::vec::IntoIter<Piece>,
    open: Option<(Piece, File)>,
    /// How much of the next pieces is passed over.
    skip: u64,
    /// How much is still to be read.
    left: u64,
}

impl Reader {
    pub(super) fn new(pieces: Vec<Piece>, range: Range<u64>) -> Self {
        Self { ahead: pieces.into_iter(), open: None, skip: range.start, left: range.end.saturating_sub(range.start) }
    }

    fn read(&mut self) -> io::Result<Option<Bytes>> {
        while self.left > 0 {
            let Some((_, file)) = &mut self.open else {
                let piece = self.ahead.next().ok_or(io::ErrorKind::UnexpectedEof)?;
                if self.skip >= piece.size {
                    self.skip -= piece.size;
                    continue;
                }
                let mut file = File::open(&piece.blob.path)?;
                file.seek(SeekFrom::Start(self.skip))?;
                self.skip = 0;
                self.open = Some((piece, file));
                continue;
            };
            let mut chunk = Vec::new();
            file.take(self.left.min(CHUNK)).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                self.open = None;
                continue;
            }
            self.left = self.left.saturating_sub(u64::try_from(chunk.len()).unwrap_or(self.left));
            return Ok(Some(Bytes::from(chunk)));
        }
        Ok(None)
    }
}

impl Iterator for Reader {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.left = 0;
        }
        read.transpose()
    }
}
