//! What goes round and round, and how many ways AWS may choose among. Layer 5.
//!
//! A packet that comes back to a place as it was there before has the same ahead of it as then. Whatever it may come to
//! from there is found on the first round; that it comes back says that AWS may send it round for ever. So the second
//! round ends at once, and nothing arrives by it.

use std::rc::Rc;

use crate::prove::{packet::Cube, reason::Reason};

use super::{Piece, Spot, Stream, Walk};

/// Among how many ways AWS may choose on the way of one conversation, there and back: what lies beyond is unknown.
const WAYS_MAX: usize = 1_024;

/// Where a stream has been, latest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Past(Option<Rc<Visit>>);

#[derive(Debug)]
struct Visit {
    attachment: usize,
    zone: Option<Box<str>>,
    /// All but its pieces and its past.
    head: Stream,
    pieces: Vec<(Cube, Option<(usize, usize)>)>,
    before: Past,
}

impl Visit {
    /// Whether a piece of a stream was here as it is now.
    fn knows(&self, stream: &Stream, piece: &Piece) -> bool {
        let (was, is) = (&self.head, stream);
        // The client, the family and the direction are the same all along; how many routers it has met does not matter.
        let alike = was.view == is.view
            && was.asked == is.asked
            && was.speaker == is.speaker
            && was.identity == is.identity
            && was.exit == is.exit
            && was.sessions == is.sessions;
        alike && self.pieces.iter().any(|(cube, pending)| *pending == piece.pending && cube.holds(&piece.cube))
    }
}

impl Walk<'_, '_> {
    /// Ends what was at this attachment before, from the same zone and as it is now; remembers the rest.
    pub(super) fn once(&mut self, attachment: usize, zone: Option<&str>, mut stream: Stream, spot: Spot) -> Stream {
        let mut round = stream.clone_head();
        let past = stream.past.clone();
        let mut at = &past.0;
        while let Some(visit) = at {
            if visit.attachment == attachment && visit.zone.as_deref() == zone {
                let (again, others) = std::mem::take(&mut stream.pieces).into_iter().partition(|p| visit.knows(&stream, p));
                stream.pieces = others;
                round.pieces.extend::<Vec<Piece>>(again);
            }
            at = &visit.before.0;
        }
        self.stop(round, spot, Reason::Loop);
        let head = Stream { past: Past::default(), ..stream.clone_head() };
        let pieces = stream.pieces.iter().map(|p| (p.cube, p.pending)).collect();
        stream.past = Past(Some(Rc::new(Visit { attachment, zone: zone.map(Into::into), head, pieces, before: past })));
        stream
    }

    /// Counts the ways among which AWS chooses here; gives nothing, and ends the stream, where they have become too many.
    pub(super) fn among(&mut self, ways: usize, mut stream: Stream, spot: Spot) -> Option<Stream> {
        stream.ways = stream.ways.saturating_mul(ways.max(1));
        if stream.ways > WAYS_MAX {
            self.stop(stream, spot, Reason::TooComplex);
            return None;
        }
        Some(stream)
    }
}
