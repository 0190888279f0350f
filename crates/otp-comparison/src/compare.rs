//! Comparing: each script once on OTP and in every way on these crates, and again on OTP where the two differ.
//!
//! What differs may be a race that went otherwise. So OTP gets further chances to show the trace that these crates have shown: the
//! same script with other priorities and turns. A trace that it never shows is a difference.

use crate::erlang::{Erlang, ErlangError};
use crate::ours::{self, Way};
use crate::script::Script;
use crate::smaller::smaller;
use crate::trace::Trace;

/// With how many seeds a script is tried on OTP if it differs: first with a few, then more.
const CHANCES: [u32; 6] = [8, 40, 120, 360, 1080, 3240];

/// More scripts than this are not in doubt after as many chances as in the first rounds: they differ.
const DOUBTS: usize = 20;
const DOUBTED: u32 = 120;

/// How many chances each attempt to make a script smaller gets.
const CHANCES_OF_SMALLER: u32 = 120;

/// A script, and what happens in it on both sides.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The script.
    pub script: &'a Script,
    /// What OTP has shown. The first is what it does when it is left alone, unless that was too slow for its clock.
    pub theirs: Vec<Trace>,
    /// What these crates do, in each way, or what makes no sense in the script.
    pub ours: Vec<(Way, Result<Trace, String>)>,
}

impl Compared<'_> {
    /// The ways in which these crates do something that OTP does not.
    pub fn differences(&self) -> Vec<&(Way, Result<Trace, String>)> {
        let shown = |trace: &Result<Trace, String>| {
            trace.as_ref().is_ok_and(|trace| may_be(trace, &self.theirs, self.script.is_drawn()))
        };
        self.ours.iter().filter(|(_, trace)| !shown(trace)).collect()
    }

    /// What these crates do: one trace, unless the way makes a difference.
    pub fn our_traces(&self) -> Vec<Trace> {
        let mut traces: Vec<Trace> = self.ours.iter().filter_map(|(_, trace)| trace.clone().ok()).collect();
        traces.sort();
        traces.dedup();
        traces
    }

    /// What is wrong, if something is: it differs and is not listed, or is listed and does not differ.
    pub fn complaint(&self, is_listed: bool) -> Option<String> {
        let (name, differs) = (&self.script.name, !self.differences().is_empty());
        match (is_listed, differs) {
            (true, false) => Some(format!("docs/conformance.md lists `{name}`, which is the same; remove the row")),
            (true, true) | (false, false) => None,
            (false, true) => Some(self.show()),
        }
    }

    /// The script, and for each way that differs what OTP does (`-`) and what happens here (`+`).
    fn show(&self) -> String {
        let nothing = Trace::from_lines([]);
        let theirs = self.theirs.first().unwrap_or(&nothing);
        let ways = self.differences().into_iter().map(|(way, trace)| {
            let difference = match trace {
                Ok(trace) => theirs.difference(trace),
                Err(complaint) => format!("{complaint}\n"),
            };
            format!("-- {way:?}\n{difference}")
        });
        format!("{}{}", self.script, ways.collect::<String>())
    }

    fn note(&mut self, shown: Option<Trace>) {
        self.theirs.extend(shown.filter(|shown| !self.theirs.contains(shown)));
    }
}

/// Runs the scripts on both sides. What is `listed` gets no further chance: it is known to differ.
///
/// # Errors
///
/// When Erlang fails.
pub fn compare<'a>(erlang: &Erlang, scripts: &[&'a Script], listed: &[&str]) -> Result<Vec<Compared<'a>>, ErlangError> {
    let mut compared = once(erlang, scripts)?;
    in_doubt(erlang, compared.iter_mut().filter(|it| !listed.contains(&&*it.script.name)).collect(), &CHANCES)?;
    match compared.iter().find(|it| it.theirs.is_empty()) {
        Some(it) => Err(ErlangError::Failed(format!("the machine is too busy for the clock of `{}`", it.script.name))),
        None => Ok(compared),
    }
}

/// Runs the scripts on both sides, on OTP as they are.
fn once<'a>(erlang: &Erlang, scripts: &[&'a Script]) -> Result<Vec<Compared<'a>>, ErlangError> {
    let first = erlang.run(&scripts.iter().map(|script| (*script, 0)).collect::<Vec<_>>())?;
    Ok(scripts.iter().zip(first).map(|(script, theirs)| both(script, theirs)).collect())
}

/// Gives those that differ further chances, round by round.
fn in_doubt(erlang: &Erlang, mut compared: Vec<&mut Compared<'_>>, rounds: &[u32]) -> Result<(), ErlangError> {
    let mut tried = 0;
    for chances in rounds {
        compared.retain(|it| !it.differences().is_empty());
        if tried >= DOUBTED && compared.len() > DOUBTS {
            break;
        }
        explore(erlang, &mut compared, tried + 1..=*chances)?;
        tried = *chances;
    }
    Ok(())
}

/// The script with as little in it as makes it differ still.
///
/// # Errors
///
/// When Erlang fails.
pub fn smallest(erlang: &Erlang, script: &Script) -> Result<Script, ErlangError> {
    let mut smallest = script.clone();
    // Each round takes something away, so the script itself is the bound.
    loop {
        let smaller = smaller(&smallest);
        let mut compared = once(erlang, &smaller.iter().collect::<Vec<_>>())?;
        // What makes no sense any more does not count as a difference.
        let makes_sense = |it: &&mut Compared<'_>| it.ours.iter().all(|(_, trace)| trace.is_ok());
        in_doubt(erlang, compared.iter_mut().filter(makes_sense).collect(), &[8, CHANCES_OF_SMALLER])?;
        let differs =
            |it: &&Compared<'_>| it.ours.iter().all(|(_, trace)| trace.is_ok()) && !it.differences().is_empty();
        match compared.iter().find(differs) {
            Some(found) => smallest = found.script.clone(),
            None => return Ok(smallest),
        }
    }
}

/// Has OTP show what else may happen in these scripts, with each of the seeds.
///
/// # Errors
///
/// When Erlang fails.
pub fn explore(
    erlang: &Erlang,
    compared: &mut [&mut Compared<'_>],
    seeds: std::ops::RangeInclusive<u32>,
) -> Result<(), ErlangError> {
    // Seconds cannot be made shorter.
    let mut compared: Vec<_> = compared.iter_mut().filter(|it| !it.script.takes_seconds()).collect();
    let runs: Vec<_> = compared.iter().flat_map(|it| seeds.clone().map(|seed| (it.script, seed))).collect();
    let mut shown = erlang.run(&runs)?.into_iter();
    for compared in &mut compared {
        shown.by_ref().take(seeds.clone().count()).for_each(|trace| compared.note(trace));
    }
    Ok(())
}

/// Whether a trace of these crates is one of OTP's. In a drawn script that is also one that would be, had somebody come too late to
/// hear a reason.
pub fn may_be(ours: &Trace, theirs: &[Trace], is_drawn: bool) -> bool {
    theirs.contains(ours) || is_drawn && ours.too_late().iter().any(|ours| theirs.contains(ours))
}

fn both(script: &Script, theirs: Option<Trace>) -> Compared<'_> {
    let ours = Way::ALL.map(|way| (way, ours::run(script, way)));
    let mut compared = Compared { script, theirs: Vec::new(), ours: ours.into() };
    compared.note(theirs);
    compared
}
