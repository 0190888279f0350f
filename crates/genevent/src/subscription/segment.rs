//! The segments of the log: a few events each, every one of them kept until its last reader has read it.
//!
//! 1. An event in a segment has as many readers as there are consumers that have still to take it. The last one takes the
//!    event itself, and the others clone it.
//! 2. A segment is read up when all of its events have been written and read. It is then used again for later events.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use genserver::Reason;
use spin::mutex::SpinMutex;

use super::lock::Locked;

/// How many bytes the events of a segment take at most, unless one alone takes more.
const SEGMENT_BYTES: usize = 8 * 1024;

/// How many events a segment holds at most.
const SEGMENT_EVENTS: u32 = 32;

/// How many bytes of segments that were read up are kept for later events.
const SPARE_BYTES: usize = 32 * 1024;

/// How many segments the list of those that are not read up has space for at least, once it has grown.
const LISTED_MIN: usize = 64;

/// Clones an event, or says how its `clone` has panicked.
pub(crate) type CloneEvent<E> = fn(&E) -> Result<E, Reason>;

/// A [`CloneEvent`]. `clone` is user code.
#[inline]
pub(crate) fn clone_event<E: Clone>(event: &E) -> Result<E, Reason> {
    catch_unwind(AssertUnwindSafe(|| event.clone())).map_err(Reason::caught)
}

/// Events of consecutive numbers, shared by the manager and the consumers that have still to read some of them.
pub(super) struct Segment<E> {
    slots: Box<[Locked<Slot<E>>]>,
    /// How many of its events are still to be written or read.
    unread: AtomicU32,
}

/// A place for an event.
///
/// Its lock is held while the event is cloned. Only those wait for it who read this event, or give it up.
struct Slot<E> {
    event: Option<E>,
    readers: u32,
}

/// What a reader finds in a place.
pub(super) enum Read<E> {
    /// A clone. There are other readers.
    Clone(E),
    /// The event itself: this was its last reader, who has to [note](Segment::note_read) that.
    Last(E),
    /// The event's `clone` has panicked.
    Panic(Reason),
}

impl<E> Segment<E> {
    /// How many events a segment of this type holds: a power of two.
    const EVENTS: u32 = {
        let mut events = SEGMENT_EVENTS;
        while events > 1 && events as usize * size_of::<Locked<Slot<E>>>() > SEGMENT_BYTES {
            events /= 2;
        }
        events
    };

    /// The bits of a number that are the same for all events of a segment.
    const FIRST: u64 = !(Self::EVENTS as u64 - 1);

    /// How many bytes a segment takes.
    const BYTES: usize = Self::EVENTS as usize * size_of::<Locked<Slot<E>>>();

    fn new() -> Arc<Self> {
        let slots = (0..Self::EVENTS).map(|_| SpinMutex::new(Slot { event: None, readers: 0 })).collect();
        Arc::new(Self { slots, unread: AtomicU32::new(Self::EVENTS) })
    }

    /// Makes a segment that was read up ready for other events. Returns false if a consumer still holds it.
    fn renew(segment: &mut Arc<Self>) -> bool {
        let Some(segment) = Arc::get_mut(segment) else { return false };
        *segment.unread.get_mut() = Self::EVENTS;
        true
    }

    /// The number of the first event of the segment that has this one.
    fn first(number: u64) -> u64 {
        number & Self::FIRST
    }

    /// The number of the first event after the segment that has this one.
    pub(super) fn end(number: u64) -> u64 {
        Self::first(number) + u64::from(Self::EVENTS)
    }

    fn slot(&self, number: u64) -> &Locked<Slot<E>> {
        &self.slots[usize::try_from(number & !Self::FIRST).expect("a segment is small")]
    }

    pub(super) fn write(&self, number: u64, event: E, readers: u32) {
        *self.slot(number).lock() = Slot { event: Some(event), readers };
    }

    /// Reads an event for one of its readers.
    #[inline]
    pub(super) fn read(&self, number: u64) -> Read<E>
    where
        E: Clone,
    {
        let mut slot = self.slot(number).lock();
        slot.readers -= 1;
        if slot.readers > 0 {
            return match slot.event.as_ref().map(clone_event).expect(KEPT) {
                Ok(event) => Read::Clone(event),
                Err(panic) => Read::Panic(panic),
            };
        }
        Read::Last(slot.event.take().expect(KEPT))
    }

    /// Gives up an event for one of its readers, and returns it if nobody else will read it.
    pub(super) fn skip(&self, number: u64) -> Option<E> {
        let mut slot = self.slot(number).lock();
        slot.readers -= 1;
        if slot.readers > 0 { None } else { slot.event.take() }
    }

    /// Notes that so many events have no reader left. Returns whether the segment is read up.
    pub(super) fn note_read(&self, events: u32) -> bool {
        self.unread.fetch_sub(events, Ordering::AcqRel) == events
    }
}

const KEPT: &str = "an event is kept until its last reader has read it";

/// The segments of a log, and those that are to be used again.
pub(super) struct Segments<E> {
    /// Those that are not read up, oldest first, each with the number of its first event.
    unread: VecDeque<(u64, Arc<Segment<E>>)>,
    spares: Vec<Arc<Segment<E>>>,
}

/// Events of one segment that a consumer will not read.
pub(super) struct Unread<E> {
    pub(super) segment: Arc<Segment<E>>,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl<E> Segments<E> {
    pub(super) fn new() -> Self {
        Self { unread: VecDeque::new(), spares: Vec::new() }
    }

    /// The segment of an event that somebody has still to read.
    pub(super) fn of(&self, number: u64) -> Arc<Segment<E>> {
        let number = Segment::<E>::first(number);
        // Mostly consumers are close to the last event.
        let at = match self.unread.back() {
            Some((first, _)) if *first == number => self.unread.len() - 1,
            _ => self.unread.binary_search_by_key(&number, |(first, _)| *first).expect("it is not read up"),
        };
        Arc::clone(&self.unread[at].1)
    }

    /// The segment of the next event.
    pub(super) fn of_next(&mut self, number: u64) -> &Segment<E> {
        let number = Segment::<E>::first(number);
        if self.unread.back().is_none_or(|(first, _)| *first != number) {
            let usable = self.spares.iter_mut().position(Segment::renew);
            let segment = usable.map_or_else(Segment::new, |at| self.spares.swap_remove(at));
            self.unread.push_back((number, segment));
        }
        &self.unread[self.unread.len() - 1].1
    }

    /// Puts away the segment of this event, which is read up. Returns it if there are enough.
    pub(super) fn retire(&mut self, number: u64) -> Option<Arc<Segment<E>>> {
        let number = Segment::<E>::first(number);
        let at = self.unread.binary_search_by_key(&number, |(first, _)| *first).ok()?;
        let (_, segment) = self.unread.remove(at)?;
        // Gives back what a burst made the list grow to. It halves at a quarter, so that a list which grows again is not
        // allocated anew for each segment.
        if self.unread.capacity() > LISTED_MIN && self.unread.len() <= self.unread.capacity() / 4 {
            self.unread.shrink_to((self.unread.capacity() / 2).max(LISTED_MIN));
        }
        if (self.spares.len() + 1) * Segment::<E>::BYTES > SPARE_BYTES {
            return Some(segment);
        }
        self.spares.push(segment);
        None
    }

    /// Collects events, none of which was read, by segment.
    pub(super) fn collect(&self, from: u64, to: u64, unread: &mut Vec<Unread<E>>) {
        let mut from = from;
        while from < to {
            let end = to.min(Segment::<E>::end(from));
            unread.push(Unread { segment: self.of(from), from, to: end });
            from = end;
        }
    }
}
