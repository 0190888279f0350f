//! What a run of a script is to be judged by: what each process saw, in its own order.
//!
//! Two processes that do something at the same time do it in no order, so each has a trace of its own. And what several senders
//! send to one process arrives in no order either, unless something between the sends made one wait for the other; a script makes
//! them wait with its steps. So within a step, what comes from one sender keeps its order, and what comes from several is put into
//! the order of their names.

use std::fmt;

/// Something that a process saw or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// In which step of the script, counted from zero; a tick of the clock is a step.
    pub step: u32,
    /// Whose trace it belongs to.
    pub who: String,
    /// How it stands to the events around it.
    pub kind: Kind,
    /// What it was.
    pub text: String,
}

/// How an event stands to those around it in the trace of its process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something that this sender sent. It has no order with what others send.
    From(String),
    /// What the process did because of the last arrival.
    Own,
    /// What comes after everything before, and before everything after it: a terminate, for instance.
    Fence,
}

/// The events of a run in their canonical order, a line each: two runs that may not be told apart have equal ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace(Vec<String>);

impl Trace {
    /// The trace of what happened in this order.
    pub fn of(mut events: Vec<Event>) -> Self {
        events.sort_by(|a, b| (a.step, &a.who).cmp(&(b.step, &b.who)));
        let of_one = events.chunk_by(|a, b| a.step == b.step && a.who == b.who);
        Self(of_one.flat_map(in_order).map(|event| format!("{} {}: {}", event.step, event.who, event.text)).collect())
    }

    /// A trace that was written down.
    pub fn from_lines(lines: impl IntoIterator<Item = String>) -> Self {
        Self(lines.into_iter().collect())
    }

    /// Its lines.
    pub fn lines(&self) -> &[String] {
        &self.0
    }

    /// This trace as it would be if some process had come too late to one that ended in the same step, and had heard `noproc` where
    /// it has heard the reason. Which of the two it hears is a race that OTP decides otherwise.
    pub fn too_late(&self) -> Vec<Self> {
        let too_late: Vec<Option<String>> = self.0.iter().map(|line| self.line_too_late(line)).collect();
        let with = |late: &dyn Fn(usize) -> bool| {
            let lines = self.0.iter().zip(&too_late).enumerate();
            Self(lines.map(|(at, (line, other))| other.as_ref().filter(|_| late(at)).unwrap_or(line).clone()).collect())
        };
        let each = (0..self.0.len()).filter(|&at| too_late[at].is_some()).map(|at| with(&|it| it == at));
        each.chain([with(&|_| true)]).filter(|trace| trace != self).collect()
    }

    /// The line with `noproc` in place of the reason, if it tells the reason of what ended in the same step.
    fn line_too_late(&self, line: &str) -> Option<String> {
        let (step, event) = line.split_once(' ')?;
        let (who, text) = event.split_once(": ")?;
        let words: Vec<&str> = text.split(' ').collect();
        let (["call", target, "failed:", reason] | ["halt", target, "->", reason] | ["down" | "exit", target, reason]) =
            *words
        else {
            return None;
        };
        let ended = format!("{step} {target}: ended {reason}");
        let head = text.strip_suffix(reason).filter(|_| self.0.contains(&ended))?;
        Some(format!("{step} {who}: {head}noproc"))
    }

    /// Both, line by line: what is in this one only begins with `-`, what is in `other` only with `+`.
    pub fn difference(&self, other: &Self) -> String {
        let lengths = common(&self.0, &other.0);
        let (mut left, mut right, mut text) = (0, 0, String::new());
        while left < self.0.len() || right < other.0.len() {
            let both = left < self.0.len() && right < other.0.len();
            let (sign, line) = if both && self.0[left] == other.0[right] {
                (left, right) = (left + 1, right + 1);
                (' ', &self.0[left - 1])
            } else if left < self.0.len() && (!both || lengths[left + 1][right] >= lengths[left][right + 1]) {
                left += 1;
                ('-', &self.0[left - 1])
            } else {
                right += 1;
                ('+', &other.0[right - 1])
            };
            text.push(sign);
            text.push(' ');
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// How many lines the ends of both have in common, for every pair of places.
fn common(left: &[String], right: &[String]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; right.len() + 1]; left.len() + 1];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            lengths[l][r] =
                if left[l] == right[r] { lengths[l + 1][r + 1] + 1 } else { lengths[l + 1][r].max(lengths[l][r + 1]) };
        }
    }
    lengths
}

/// The events of one process in one step, with those of several senders in the order of their names.
fn in_order(events: &[Event]) -> Vec<&Event> {
    let mut ordered = Vec::new();
    for segment in events.chunk_by(|_, next| next.kind != Kind::Fence) {
        let mut blocks: Vec<&[Event]> = segment.chunk_by(|_, next| next.kind == Kind::Own).collect();
        // A fence, or what is left of the step before, is the first of its segment and stays there.
        let first = usize::from(!matches!(blocks[0][0].kind, Kind::From(_)));
        blocks[first..].sort_by_key(|block| &block[0].kind);
        ordered.extend(blocks.into_iter().flatten());
    }
    ordered
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    //! What may not be told apart, and what may.

    use super::*;

    /// Events of process `a` in step 0: `<b x` from `b`, `| x` a fence, `. x` its own.
    fn trace(events: &[&str]) -> Trace {
        let event = |text: &&str| {
            let (kind, text) = text.split_once(' ').expect("a kind and a text");
            let kind = match kind {
                "." => Kind::Own,
                "|" => Kind::Fence,
                sender => Kind::From(sender.trim_start_matches('<').to_owned()),
            };
            Event { step: 0, who: "a".to_owned(), kind, text: text.to_owned() }
        };
        Trace::of(events.iter().map(event).collect())
    }

    #[test]
    fn what_two_senders_send_has_no_order() {
        assert_eq!(trace(&["<b 1", ". 2", "<c 3"]), trace(&["<c 3", "<b 1", ". 2"]));
        assert_eq!(trace(&[". 0", "<b 1", "<c 3"]), trace(&[". 0", "<c 3", "<b 1"]));
    }

    #[test]
    fn what_one_sender_sends_has_its_order() {
        assert_ne!(trace(&["<b 1", "<b 2"]), trace(&["<b 2", "<b 1"]));
        assert_ne!(trace(&["<b 1", ". 2", "<c 3"]), trace(&["<b 1", "<c 3", ". 2"]));
    }

    #[test]
    fn nothing_passes_a_fence() {
        assert_ne!(trace(&["<b 1", "| end", "<c 3"]), trace(&["<c 3", "| end", "<b 1"]));
        assert_eq!(trace(&["<c 1", "<b 2", "| end"]), trace(&["<b 2", "<c 1", "| end"]));
    }

    #[test]
    fn a_caller_that_comes_too_late_hears_noproc() {
        let lines = |lines: [&str; 3]| Trace::from_lines(lines.map(str::to_owned));
        let heard = lines(["1 a: call b failed: boom", "1 b: ended boom", "2 a: down b boom"]);
        let too_late = lines(["1 a: call b failed: noproc", "1 b: ended boom", "2 a: down b boom"]);
        assert_eq!(heard.too_late(), [too_late.clone(), too_late.clone()]);
        assert_eq!(too_late.too_late(), []);
    }

    #[test]
    fn a_difference_shows_both() {
        let difference = trace(&["<b 1", "<b 2"]).difference(&trace(&["<b 1", "<b 3"]));
        assert_eq!(difference, "  0 a: 1\n- 0 a: 2\n+ 0 a: 3\n");
    }
}
