//! The place of a reader: the last event that it has confirmed, kept in a log of the engine.
//!
//! # Rules
//!
//! - P1: The last entry of the log is the place. It says which claim has written it.
//! - P2: A reader begins with a claim: an entry of its own, with the position of the one before.
//! - P3: Every entry is written behind the last one that its claim knows, by E7. So a claim that finds another one's entry behind its
//!   own is over, and never changes the place again.

use std::hash::{BuildHasher as _, RandomState};

use bytes::Bytes;
use genserver::time;
use serde::{Deserialize, Serialize};

use crate::engine::{ChangeError, EngineError, Position};
use crate::events::pauses::Pauses;
use crate::space::Space;
use crate::wire::{self, Envelope, Kind, NoHeader};

/// More than what an entry has.
const BOUND: usize = 256;

/// A place, as its claim knows it.
pub(super) struct Place {
    space: Space,
    log: String,
    claim: u64,
    /// The entry that this claim has written last.
    entry: Position,
    /// The position in it.
    confirmed: Position,
}

/// Why a place is not changed any more.
pub(super) enum Lost {
    /// Another claim has it.
    TakenOver,
    Refused(EngineError),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Record {
    claim: u64,
    position: u64,
}

impl Place {
    /// Claims a place, which begins at a position if there is none.
    pub(super) async fn claim(space: &Space, log: String, begin: Position) -> Result<Self, EngineError> {
        // Only compared for equality, so it does not decide what a simulation does.
        let claim = RandomState::new().hash_one(&log);
        let mut place = Self { space: space.clone(), log, claim, entry: Position::default(), confirmed: begin };
        let until = time::now() + space.time_to_live;
        let mut pauses = Pauses::new();
        loop {
            let left = until.saturating_duration_since(time::now());
            match time::timeout(left, place.try_claim()).await.unwrap_or(Err(EngineError::Unanswered)) {
                Ok(true) => return Ok(place),
                // Another one was faster, or what was read was old.
                Ok(false) | Err(EngineError::Unreachable(_) | EngineError::Unanswered)
                    if pauses.pause_until(until).await => {}
                Ok(false) => return Err(EngineError::Unanswered),
                Err(error) => return Err(error),
            }
        }
    }

    /// By P2. Returns whether it has the place.
    async fn try_claim(&mut self) -> Result<bool, EngineError> {
        if let Some((entry, record)) = self.read().await? {
            self.entry = entry;
            self.confirmed = Position(record.position);
            // An earlier try was not answered.
            if record.claim == self.claim {
                return Ok(true);
            }
        }
        match self.write(self.confirmed).await {
            Ok(()) => Ok(true),
            Err(ChangeError::Conflict) => Ok(false),
            Err(ChangeError::Engine(error)) => Err(error),
        }
    }

    /// What was confirmed.
    pub(super) fn confirmed(&self) -> Position {
        self.confirmed
    }

    /// Confirms a position: by P3, until the engine has it or this claim is over.
    pub(super) async fn confirm(&mut self, position: Position) -> Result<(), Lost> {
        let mut pauses = Pauses::new();
        while self.confirmed != position {
            match self.write(position).await {
                Ok(()) => {}
                Err(ChangeError::Engine(error @ EngineError::Refused(_))) => return Err(Lost::Refused(error)),
                Err(ChangeError::Engine(EngineError::Unreachable(_))) => pauses.pause().await,
                // It may be ours all the same.
                Err(ChangeError::Conflict | ChangeError::Engine(EngineError::Unanswered)) => {
                    if !self.look().await? {
                        pauses.pause().await;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks which entry is the last. Returns whether it is a later one of this claim.
    async fn look(&mut self) -> Result<bool, Lost> {
        match self.read().await {
            Ok(Some((entry, record))) if entry > self.entry => {
                if record.claim != self.claim {
                    return Err(Lost::TakenOver);
                }
                self.entry = entry;
                self.confirmed = Position(record.position);
                Ok(true)
            }
            Err(error @ EngineError::Refused(_)) => Err(Lost::Refused(error)),
            // What was read is old, or nothing was.
            _ => Ok(false),
        }
    }

    async fn write(&mut self, position: Position) -> Result<(), ChangeError> {
        let record = Record { claim: self.claim, position: position.0 };
        let written: Bytes = wire::encode(Kind::Place, &NoHeader {}, &record, BOUND).expect("it is short");
        self.entry = self.space.engine.snapshot(&self.log, written, self.entry).await?;
        self.confirmed = position;
        Ok(())
    }

    /// The last entry, as far as the engine shows.
    async fn read(&self) -> Result<Option<(Position, Record)>, EngineError> {
        // Each replaces the one before.
        let entries = self.space.engine.read(&self.log, Position::default(), 2).await?;
        let Some(entry) = entries.last() else { return Ok(None) };
        let envelope = Envelope::read(&entry.entry, BOUND).ok().filter(|envelope| envelope.kind == Kind::Place);
        let record = envelope.and_then(|envelope| wire::decode(&envelope.body).ok());
        let refused =
            || EngineError::Refused(format!("the log {} has something else than the place of a reader", self.log));
        Ok(Some((entry.position, record.ok_or_else(refused)?)))
    }
}
