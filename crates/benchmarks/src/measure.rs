//! Interleaved rounds, and what is made of them: medians of ratios to `raw`.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::contenders::{BASE, Contender};
use crate::subjects::World;
use crate::workloads::Workload;

/// A slow subject does fewer operations, so that one round of it takes at most this long.
const ROUND_NS: f64 = 90e6;

/// One number of the tables.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The runtime it was measured on.
    pub runtime: &'static str,
    /// The row.
    pub workload: &'static str,
    /// The column.
    pub subject: String,
    /// The median ratio to `raw` in the same round; none where `raw` is zero or missing.
    pub ratio: Option<f64>,
    /// The distance of the quartiles of that ratio, divided by the median.
    pub spread: f64,
    /// The number itself, for scale: a median.
    pub value: f64,
    /// What that is counted in.
    pub unit: &'static str,
}

impl Record {
    /// A number that is counted once rather than timed in rounds; its ratio is still missing.
    pub fn counted(workload: &'static str, subject: &str, value: f64, unit: &'static str) -> Self {
        let runtime = World::OneThread.id();
        Self { runtime, workload, subject: subject.to_owned(), ratio: None, spread: 0.0, value, unit }
    }
}

/// A column of a table of times.
pub struct Column<'a> {
    /// Its name.
    pub subject: &'static str,
    /// How long so many operations take.
    pub time: Box<dyn FnMut(u64) -> Duration + 'a>,
}

/// A row of a table of times: how often something is done in one round, and what that has to be a multiple of.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name.
    pub workload: &'static str,
    /// How many operations a round has.
    pub ops: u64,
    /// How many clients share them.
    pub clients: u64,
    /// Whether a round has all of them, however slow a column is.
    pub whole: bool,
}

impl fmt::Debug for Column<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Column").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Row {
    /// The number of operations nearest to `ops` that every client can have the same share of.
    pub fn share(&self, ops: u64) -> u64 {
        (ops / self.clients).max(8) * self.clients
    }
}

/// Measures one workload in interleaved rounds.
pub fn compare(world: World, workload: Workload, rounds: usize, contenders: &mut [Box<dyn Contender>]) -> Vec<Record> {
    let row = Row { workload: workload.id, ops: workload.ops, clients: workload.shape.clients(), whole: false };
    let columns = contenders.iter_mut().map(|contender| Column {
        subject: contender.id(),
        time: Box::new(move |ops| contender.time(world, workload.shape, ops)),
    });
    interleave(world, row, rounds, columns.collect())
}

/// Measures one row in interleaved rounds.
pub fn interleave(world: World, row: Row, rounds: usize, mut columns: Vec<Column<'_>>) -> Vec<Record> {
    let ops: Vec<u64> = columns.iter_mut().map(|column| affordable(row, column)).collect();
    let mut times = vec![Vec::with_capacity(rounds); columns.len()];
    for round in 0..rounds {
        for turn in 0..columns.len() {
            let at = turn_of(round, turn, columns.len());
            times[at].push(per_op(&mut columns[at], ops[at]));
        }
    }

    let base = columns.iter().position(|column| column.subject == BASE);
    let record = |at: usize| {
        let ratios = base.map(|base| times[at].iter().zip(&times[base]).map(|(mine, raw)| mine / raw).collect());
        let [low, ratio, high] = quartiles(ratios.unwrap_or_default());
        Record {
            runtime: world.id(),
            workload: row.workload,
            subject: columns[at].subject.to_owned(),
            ratio: base.map(|_| ratio),
            spread: (high - low) / ratio,
            value: quartiles(times[at].clone())[1],
            unit: "ns",
        }
    };
    (0..columns.len()).map(record).collect()
}

/// Gives numbers that were measured once their ratios to those of `raw`.
pub fn relate(records: &mut [Record]) {
    let bases: Vec<(&str, f64)> =
        records.iter().filter(|record| record.subject == BASE).map(|record| (record.workload, record.value)).collect();
    for record in records {
        let base = bases.iter().find(|(workload, base)| *workload == record.workload && *base > 0.0);
        record.ratio = base.map(|(_, base)| record.value / base);
    }
}

/// Whose turn it is: everybody goes first once, and follows now one neighbour, now the other, so that
/// nobody always has to put up with what the same one leaves behind.
pub(crate) fn turn_of(round: usize, turn: usize, contenders: usize) -> usize {
    let at = (round + turn) % contenders;
    if round.is_multiple_of(2) { at } else { contenders - 1 - at }
}

/// How many operations a round of that column has: one short run tells.
fn affordable(row: Row, column: &mut Column<'_>) -> u64 {
    if row.whole {
        return row.ops;
    }
    let trial = per_op(column, row.share(row.ops / 32));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of operations")]
    let limit = (ROUND_NS / trial) as u64;
    row.share(row.ops.min(limit))
}

/// Nanoseconds per operation.
fn per_op(column: &mut Column<'_>, ops: u64) -> f64 {
    let ops_counted = u32::try_from(ops).expect("a round has less than four thousand million operations");
    (column.time)(ops).as_secs_f64() * 1e9 / f64::from(ops_counted)
}

/// The numbers below which a quarter, a half and three quarters of them lie.
pub(crate) fn quartiles(mut numbers: Vec<f64>) -> [f64; 3] {
    if numbers.is_empty() {
        return [f64::NAN; 3];
    }
    numbers.sort_unstable_by(f64::total_cmp);
    let last = numbers.len() - 1;
    [last / 4, last / 2, last - last / 4].map(|at| numbers[at])
}

#[cfg(test)]
mod tests {
    use super::{quartiles, turn_of};

    #[test]
    fn everybody_has_one_turn_in_a_round() {
        for round in 0..4 {
            let mut turns: Vec<usize> = (0..3).map(|turn| turn_of(round, turn, 3)).collect();
            turns.sort_unstable();
            assert_eq!(turns, [0, 1, 2]);
        }
    }

    #[test]
    fn quartiles_of_five_numbers_are_the_second_third_and_fourth() {
        assert!(quartiles(vec![5.0, 1.0, 4.0, 2.0, 3.0]).iter().eq(&[2.0, 3.0, 4.0]));
    }
}
