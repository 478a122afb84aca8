//! Where something stands in the sources, in eight bytes. Layer 0.
//!
//! Positions travel beside values, never in them, and never touch equality of what they describe.

/// Index of a file in [`Sources`](super::source::Sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// A range of bytes in one file: 12 bits of file, 26 bits of start, 26 bits of length.
///
/// [`Span::FILES_MAX`] and [`Span::BYTES_MAX`] are checked where files are read, so a span never wraps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

const BITS: u32 = 26;
const MASK: u64 = (1 << BITS) - 1;

impl Span {
    /// How many files a project may have.
    pub const FILES_MAX: usize = 1 << 12;
    /// How many bytes a file may have.
    pub const BYTES_MAX: usize = (1 << BITS) - 1;

    /// The bytes `start..end` of `file`; what lies past the limits is clamped.
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let start = (start as u64).min(MASK);
        let len = (end as u64).saturating_sub(start).min(MASK);
        Self(u64::from(file.0 & 0xfff) << (2 * BITS) | start << BITS | len)
    }

    /// The file this lies in.
    #[must_use]
    pub fn file(self) -> FileId {
        FileId((self.0 >> (2 * BITS)) as u16)
    }

    /// First byte.
    #[must_use]
    pub fn start(self) -> usize {
        (self.0 >> BITS & MASK) as usize
    }

    /// One past the last byte.
    #[must_use]
    pub fn end(self) -> usize {
        self.start() + self.len()
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(self) -> usize {
        (self.0 & MASK) as usize
    }

    /// Whether it is a mere position.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// From the start of `self` to the end of `other`, which lies in the same file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span::new(self.file(), self.start(), other.end().max(self.end()))
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}..{}", self.file().0, self.start(), self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_gives_back_what_it_was_made_of() {
        let span = Span::new(FileId(4095), 1_000_000, 1_000_017);
        assert_eq!((span.file(), span.start(), span.end()), (FileId(4095), 1_000_000, 1_000_017));
        assert_eq!(size_of::<Span>(), 8);
    }
}
