//! One open log file: read piece by piece, recognised by its bytes, noticed when it is truncated. A `.gz` is read
//! through its decompression, as if it were the file that it was made from.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::domain::intake::Progress;
use crate::store::positions::{FileId, Fingerprint};

/// First bytes by which a file is recognised.
const HEAD_BYTES: usize = 256;
/// Last bytes before the offset by which a file that was written anew is noticed.
const LAST_BYTES: usize = 64;

/// An open file.
pub(super) struct LogFile {
    /// Its number in spans; another file, or the same one written anew, has another.
    pub(super) number: u32,
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    /// Start of the next line to be taken.
    pub(super) offset: u64,
    /// Its size as last seen, in bytes; of a `.gz` what was decompressed so far.
    pub(super) size: u64,
    /// Lines before its first may be lost: it is marked.
    pub(super) is_after_loss: bool,
    content: Content,
    /// Its first bytes, as far as they were read.
    head: Vec<u8>,
    /// The bytes before the offset, to notice that the file was written anew.
    last: Vec<u8>,
}

enum Content {
    Plain(File),
    Gzip {
        reader: Box<MultiGzDecoder<File>>,
        /// What was decompressed and not taken.
        carried: Vec<u8>,
        has_ended: bool,
        /// Why it could not be decompressed to its end.
        problem: Option<io::Error>,
    },
}

/// What reading gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// So many bytes were taken; none: half a line stands there.
    Took(usize),
    /// Nothing stands after the offset.
    End,
    /// It is shorter than what was read, or has other bytes there.
    Truncated,
}

impl LogFile {
    /// Opens a file to be read from its start.
    pub(super) fn open(path: &Path, number: u32) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
        let content = if is_gzip {
            Content::Gzip {
                reader: Box::new(MultiGzDecoder::new(file)),
                carried: Vec::new(),
                has_ended: false,
                problem: None,
            }
        } else {
            Content::Plain(file)
        };
        let mut opened = Self {
            number,
            path: path.to_owned(),
            id: id_of(&metadata),
            offset: 0,
            size: if is_gzip { 0 } else { metadata.len() },
            is_after_loss: false,
            content,
            head: Vec::new(),
            last: Vec::new(),
        };
        opened.read_head()?;
        Ok(opened)
    }

    /// The same file, written anew: to be read from its start under another number.
    pub(super) fn anew(&self, number: u32) -> io::Result<Self> {
        let Content::Plain(file) = &self.content else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a .gz is not written anew",
            ));
        };
        let file = file.try_clone()?;
        let mut opened = Self {
            number,
            path: self.path.clone(),
            id: self.id,
            offset: 0,
            size: file.metadata()?.len(),
            is_after_loss: false,
            content: Content::Plain(file),
            head: Vec::new(),
            last: Vec::new(),
        };
        opened.read_head()?;
        Ok(opened)
    }

    /// Sees what it is by now: when it was opened, a copy may have been half made.
    pub(super) fn look_again(&mut self) -> io::Result<()> {
        let Content::Plain(file) = &self.content else {
            return Ok(());
        };
        self.size = file.metadata()?.len();
        self.read_head()
    }

    fn read_head(&mut self) -> io::Result<()> {
        let mut head = vec![0; HEAD_BYTES];
        let mut n_bytes = 0;
        match &mut self.content {
            Content::Plain(file) => n_bytes = read_at(file, &mut head, 0)?,
            Content::Gzip {
                reader,
                carried,
                has_ended,
                ..
            } => {
                while n_bytes < HEAD_BYTES && !*has_ended {
                    match reader.read(&mut head[n_bytes..])? {
                        0 => *has_ended = true,
                        n => n_bytes += n,
                    }
                }
                carried.extend_from_slice(&head[..n_bytes]);
                self.size = n_bytes as u64;
            }
        }
        head.truncate(n_bytes);
        self.head = head;
        Ok(())
    }

    /// Whether this is the file of which that is known.
    pub(super) fn is(&mut self, known: &Fingerprint, offset: u64) -> io::Result<bool> {
        if (self.head.len() as u64) < known.head_bytes {
            return Ok(false);
        }
        if hash(&self.head[..known.head_bytes as usize]) != known.head_hash {
            return Ok(false);
        }
        let n_last = usize::try_from(known.last_bytes).unwrap_or(usize::MAX);
        let last = match &self.content {
            Content::Plain(file) => bytes_before(file, offset, n_last)?,
            Content::Gzip { reader, .. } => gzip_bytes_before(reader.get_ref(), offset, n_last)?,
        };
        Ok(last.len() as u64 == known.last_bytes && hash(&last) == known.last_hash)
    }

    /// Whether this `.gz` was made from a file that is open still.
    pub(super) fn is_compressed_from(&self, original: &mut LogFile) -> io::Result<bool> {
        let Content::Plain(file) = &original.content else {
            return Ok(false);
        };
        let Content::Gzip { reader, .. } = &self.content else {
            return Ok(false);
        };
        let mut head = vec![0; HEAD_BYTES];
        let n_head = read_at(file, &mut head, 0)?;
        let size = file.metadata()?.len();
        Ok(head[..n_head] == self.head
            && bytes_before(file, size, LAST_BYTES)?
                == gzip_bytes_before(reader.get_ref(), size, LAST_BYTES)?)
    }

    /// Goes to where an earlier process, or the file's other copy, left off.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.content {
            Content::Plain(file) => self.last = bytes_before(file, offset, LAST_BYTES)?,
            Content::Gzip { reader, carried, .. } => {
                let from_carried = (carried.len() as u64).min(offset);
                let mut last = Last(Vec::new());
                remember(&mut last.0, &carried[..from_carried as usize]);
                carried.drain(..from_carried as usize);
                io::copy(&mut reader.by_ref().take(offset - from_carried), &mut last)?;
                self.last = last.0;
                self.size = self.size.max(offset);
            }
        }
        self.offset = offset;
        Ok(())
    }

    /// Reads at most `buffer` and hands it to `take` with its offset, and whether it is as much as is read at once;
    /// `take` says how many bytes it took.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        take: impl FnOnce(u64, &[u8], bool) -> usize,
    ) -> io::Result<Look> {
        match &mut self.content {
            Content::Plain(file) => {
                let n_known = self.last.len();
                let from = self.offset - n_known as u64;
                let n_read = read_at(file, buffer, from)?;
                self.size = self.size.max(from + n_read as u64);
                // Where nothing or little was read yet, its first bytes are what it is known by.
                let known = if from == 0 { &self.head } else { &self.last };
                if !buffer[..n_read].starts_with(known) {
                    return Ok(Look::Truncated);
                }
                if n_read == n_known {
                    return Ok(Look::End);
                }
                // From what was read here, not from the file again: that may have been cut off since.
                let n_head = (self.head.len() as u64).checked_sub(from);
                let more = n_head.and_then(|n_head| buffer[..n_read].get(n_head as usize..));
                let room = HEAD_BYTES - self.head.len();
                self.head.extend(more.unwrap_or(&[]).iter().take(room));
                let is_full = n_read == buffer.len();
                let n_taken = take(self.offset, &buffer[n_known..n_read], is_full);
                remember(&mut self.last, &buffer[n_known..n_known + n_taken]);
                self.offset += n_taken as u64;
                Ok(Look::Took(n_taken))
            }
            Content::Gzip {
                reader,
                carried,
                has_ended,
                problem,
            } => {
                while carried.len() < buffer.len() && !*has_ended {
                    let room = buffer.len() - carried.len();
                    match reader.read(&mut buffer[..room]) {
                        Ok(0) => *has_ended = true,
                        Ok(n) => carried.extend_from_slice(&buffer[..n]),
                        // Half a file, or a broken one: what comes after it is read all the same.
                        Err(error) => (*has_ended, *problem) = (true, Some(error)),
                    }
                }
                self.size = self.offset + carried.len() as u64;
                if carried.is_empty() {
                    return Ok(Look::End);
                }
                let n_taken = take(self.offset, carried, carried.len() >= buffer.len());
                remember(&mut self.last, &carried[..n_taken]);
                carried.drain(..n_taken);
                self.offset += n_taken as u64;
                Ok(Look::Took(n_taken))
            }
        }
    }

    /// What stands after the offset, at most a buffer of it: half a line at the end of a file that is finished.
    pub(super) fn rest(&mut self, buffer: &mut [u8]) -> io::Result<Vec<u8>> {
        match &mut self.content {
            Content::Plain(file) => {
                let n_read = read_at(file, buffer, self.offset)?;
                Ok(buffer[..n_read].to_vec())
            }
            Content::Gzip { carried, .. } => Ok(std::mem::take(carried)),
        }
    }

    /// Whether what was read of it when it was opened is still there.
    pub(super) fn is_as_opened(&self) -> io::Result<bool> {
        let Content::Plain(file) = &self.content else {
            return Ok(true);
        };
        let mut head = vec![0; self.head.len()];
        let n_bytes = read_at(file, &mut head, 0)?;
        Ok(head[..n_bytes] == self.head)
    }

    /// What the file is to be recognised by at this progress: by all first bytes that were handed over, also those
    /// after a first line that is held.
    pub(super) fn fingerprint(&self, progress: &Progress) -> io::Result<Fingerprint> {
        let n_handed_over = progress.done.into_iter().fold(progress.offset, u64::max);
        let n_head = self
            .head
            .len()
            .min(usize::try_from(n_handed_over).unwrap_or(usize::MAX));
        let last = match &self.content {
            _ if progress.offset == self.offset => self.last.clone(),
            Content::Plain(file) => {
                let last = bytes_before(file, progress.offset, LAST_BYTES)?;
                // Cut off since it was read, these are bytes of another content: its copy is known by its head.
                match bytes_before(file, self.offset, self.last.len())? == self.last {
                    true => last,
                    false => Vec::new(),
                }
            }
            Content::Gzip { .. } => Vec::new(),
        };
        Ok(Fingerprint {
            head_bytes: n_head as u64,
            head_hash: hash(&self.head[..n_head]),
            last_bytes: last.len() as u64,
            last_hash: hash(&last),
        })
    }

    /// What it is remembered by, without a look at the file.
    pub(super) fn remembered(&self) -> Fingerprint {
        Fingerprint {
            head_bytes: self.head.len() as u64,
            head_hash: hash(&self.head),
            last_bytes: self.last.len() as u64,
            last_hash: hash(&self.last),
        }
    }

    /// The size now, if the file can be asked.
    pub(super) fn size_now(&self) -> u64 {
        match &self.content {
            Content::Plain(file) => file.metadata().map_or(self.size, |metadata| metadata.len()),
            Content::Gzip { .. } => self.size,
        }
    }

    /// Whether no name leads to it any more.
    pub(super) fn is_deleted(&self) -> bool {
        match &self.content {
            Content::Plain(file) => file.metadata().is_ok_and(|metadata| metadata.nlink() == 0),
            Content::Gzip { .. } => false,
        }
    }

    /// When it came into being, in Unix milliseconds.
    pub(super) fn created_ms(&self) -> Option<i64> {
        let file = match &self.content {
            Content::Plain(file) => file,
            Content::Gzip { reader, .. } => reader.get_ref(),
        };
        let metadata = file.metadata().ok()?;
        let created = metadata.created().or_else(|_| metadata.modified()).ok()?;
        let since = created.duration_since(std::time::UNIX_EPOCH).ok()?;
        i64::try_from(since.as_millis()).ok()
    }

    /// Why it cannot be read to its end: a `.gz` that is broken.
    pub(super) fn problem(&self) -> Option<&io::Error> {
        match &self.content {
            Content::Plain(_) => None,
            Content::Gzip { problem, .. } => problem.as_ref(),
        }
    }

    /// Whether nothing will ever be added.
    pub(super) fn is_gzip(&self) -> bool {
        matches!(self.content, Content::Gzip { .. })
    }

    /// Start of the first whole line at or after `offset`, looked for in the next `buffer`.
    pub(super) fn line_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<u64> {
        let Content::Plain(file) = &self.content else {
            return Ok(0);
        };
        let Some(before) = offset.checked_sub(1) else {
            return Ok(0);
        };
        let n_read = read_at(file, buffer, before)?;
        let found = memchr::memchr(b'\n', &buffer[..n_read]);
        Ok(found.map_or(offset, |at| before + at as u64 + 1))
    }
}

/// Of what is written into it the last bytes.
struct Last(Vec<u8>);

impl io::Write for Last {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        remember(&mut self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the last of the bytes that were taken.
fn remember(last: &mut Vec<u8>, taken: &[u8]) {
    last.extend_from_slice(&taken[taken.len().saturating_sub(LAST_BYTES)..]);
    let surplus = last.len().saturating_sub(LAST_BYTES);
    last.drain(..surplus);
}

/// The identity of an open or named file.
pub(super) fn id_of(metadata: &Metadata) -> FileId {
    FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// Reads until the buffer is full or the file ends.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut n_read = 0;
    while n_read < buffer.len() {
        match file.read_at(&mut buffer[n_read..], offset + n_read as u64) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n_read)
}

fn bytes_before(file: &File, offset: u64, n_bytes: usize) -> io::Result<Vec<u8>> {
    let n_bytes = n_bytes.min(usize::try_from(offset).unwrap_or(usize::MAX));
    let mut bytes = vec![0; n_bytes];
    let n_read = read_at(file, &mut bytes, offset - n_bytes as u64)?;
    bytes.truncate(n_read);
    Ok(bytes)
}

/// The same of a `.gz`, by decompressing what comes before. From the open file: its name may be another's by now.
fn gzip_bytes_before(file: &File, offset: u64, n_bytes: usize) -> io::Result<Vec<u8>> {
    let n_bytes = (n_bytes.min(LAST_BYTES) as u64).min(offset);
    let mut reader = MultiGzDecoder::new(FromStart { file, offset: 0 });
    io::copy(&mut reader.by_ref().take(offset - n_bytes), &mut io::sink())?;
    let mut last = Vec::new();
    reader.take(n_bytes).read_to_end(&mut last)?;
    Ok(last)
}

/// Reads an open file from its start, whatever was read of it before.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.file.read_at(buffer, self.offset)?;
        self.offset += n_read as u64;
        Ok(n_read)
    }
}

/// Sixty-four bits are enough to tell the files of one machine apart.
fn hash(bytes: &[u8]) -> i64 {
    let digest = Sha256::digest(bytes);
    let first: [u8; 8] = std::array::from_fn(|i| digest[i]);
    i64::from_le_bytes(first)
}
