//! What is shown of the steps of a run: a row for a message, an answer, a callback that begins later, a start, or an end.

use std::collections::BTreeMap;

use crate::node::record::{Arrival, Event};
use crate::{Callback, Pid};

use super::Step;
use super::titles::Titles;

/// Something that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The place of its step in the run.
    pub(super) step: usize,
    pub(super) what: What,
    /// Whether it is only the way to what the test is about, or away from it: starts by the test, and what follows its failure.
    pub(super) is_minor: bool,
}

/// What a row shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An arrow from one process to another.
    Sent { from: Pid, to: Pid, text: String, arrow: Arrow },
    /// Something of one process alone.
    Own { at: Pid, sign: Sign, text: String },
    /// A step of no process.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrow {
    /// A message.
    Message,
    /// A call that was answered at once.
    Answered,
    /// A message that was not taken.
    Refused,
    /// An answer that came later.
    Answer,
    /// A process that is started.
    Start,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It goes on.
    Goes,
    /// It ends, or fails.
    Ends,
    /// The simulation lets something go wrong with it.
    Fault,
}

impl What {
    /// The processes that it shows.
    pub(super) fn processes(&self) -> impl Iterator<Item = Pid> {
        let (first, second) = match self {
            Self::Sent { from, to, .. } => (Some(*from), Some(*to)),
            Self::Own { at, .. } => (Some(*at), None),
            Self::Nothing => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// The rows of all steps. Those of a run that has failed end where the test did.
pub(super) fn rows(steps: &[Step], titles: &Titles) -> Vec<Row> {
    let mut writer = Writer::new(titles);
    let test = titles.test();
    let over = where_it_fails(steps, test);
    for (place, step) in steps.iter().enumerate() {
        writer.step = place;
        let first = writer.rows.len();
        for (number, event) in step.events.iter().enumerate() {
            writer.is_over |= over == Some((place, number));
            writer.event(event);
        }
        // What is unusual is shown, even if nothing else is of its step.
        if !step.choices.is_empty() && writer.rows.len() == first {
            let entered = |event: &Event| if let Event::Entered { pid, .. } = event { Some(*pid) } else { None };
            let goes_on = step.events.iter().find_map(entered);
            writer.push(goes_on.map_or(What::Nothing, |at| What::Own { at, sign: Sign::Goes, text: String::new() }));
        }
    }
    writer.rows
}

/// The event with which the test fails or is over: its last panic, or the end of its body.
fn where_it_fails(steps: &[Step], test: Option<Pid>) -> Option<(usize, usize)> {
    let all = || {
        steps.iter().enumerate().flat_map(|(place, step)| {
            step.events.iter().enumerate().map(move |(number, event)| ((place, number), event))
        })
    };
    let over = all().find(|(_, event)| matches!(event, Event::BodyOver))?.0;
    let is_panic = |event: &Event| matches!(event, Event::Panicked { pid } if Some(*pid) == test);
    let panic = all().take_while(|(at, _)| *at < over).filter(|(_, event)| is_panic(event)).last();
    Some(panic.map_or(over, |(at, _)| (at.0, at.1 + 1)))
}

/// Something in a mailbox.
struct Queued {
    what: Arrival,
    /// The text of the message itself.
    text: String,
    /// The row of its arrival.
    row: usize,
}

/// Turns events into rows, and knows what of earlier ones is still to be shown.
struct Writer<'a> {
    titles: &'a Titles,
    test: Option<Pid>,
    rows: Vec<Row>,
    step: usize,
    /// What has come to a process and has not begun.
    queued: BTreeMap<Pid, Vec<Queued>>,
    /// Requests that wait for an answer, by who answers and who asked, and the rows of them.
    asked: BTreeMap<(Pid, Pid), Vec<usize>>,
    /// The test has failed, or is over.
    is_over: bool,
    /// Something was shown that is not a start.
    is_going: bool,
}

impl<'a> Writer<'a> {
    fn new(titles: &'a Titles) -> Self {
        Self {
            titles,
            test: titles.test(),
            rows: Vec::new(),
            step: 0,
            queued: BTreeMap::new(),
            asked: BTreeMap::new(),
            is_over: false,
            is_going: false,
        }
    }

    fn push(&mut self, what: What) {
        let is_start = matches!(what, What::Sent { arrow: Arrow::Start, .. });
        self.is_going |= !is_start;
        let is_minor = self.is_over || is_start && !self.is_going;
        self.rows.push(Row { step: self.step, what, is_minor });
    }

    /// Whether this row was the last, and of this step: then nothing has come in between.
    fn is_last(&self, row: usize) -> bool {
        row + 1 == self.rows.len() && self.rows[row].step == self.step
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::Started { pid, by, .. } if *by != Pid::NOBODY && Some(*by) != self.test => {
                self.push(What::Sent { from: *by, to: *pid, text: "starts".to_owned(), arrow: Arrow::Start });
            }
            Event::Arrived { at, from, what, text, .. } => self.arrived(*at, *from, *what, text.as_deref()),
            Event::Refused { at, from } => self.refused(*at, *from),
            Event::Began { pid, callback, text } => self.began(*pid, *callback, text.as_deref()),
            Event::Replied { from, to, text, .. } => self.replied(*from, *to, text.as_deref()),
            // The end of any other says so.
            Event::Panicked { pid } if Some(*pid) == self.test => {
                self.push(What::Own { at: *pid, sign: Sign::Ends, text: "fails".to_owned() });
            }
            Event::Point { pid, name } => {
                self.push(What::Own { at: *pid, sign: Sign::Goes, text: format!("at {name:?}") });
            }
            // Its end says that it was killed.
            Event::Fault { pid, text: Some(text) } if text != "is killed" => {
                self.push(What::Own { at: *pid, sign: Sign::Fault, text: text.clone() });
            }
            Event::Ended { pid, reason } => self.ended(*pid, reason.as_deref().unwrap_or_default()),
            _ => {}
        }
    }

    fn arrived(&mut self, at: Pid, from: Pid, what: Arrival, text: Option<&str>) {
        let text = text.map(|text| self.titles.message(text)).unwrap_or_default();
        let shown = match what {
            Arrival::Call | Arrival::Cast | Arrival::Info | Arrival::Letter => text.clone(),
            Arrival::Lazy => "a message".to_owned(),
            Arrival::Timer if text.is_empty() => "timer".to_owned(),
            Arrival::Timer => format!("timer: {text}"),
            Arrival::Idle => "idle".to_owned(),
            Arrival::Attached => "an item".to_owned(),
            Arrival::Down => format!("down: {text}"),
            // What is not trapped has no effect then.
            Arrival::Exit if text == "normal" => return,
            Arrival::Exit => format!("exit: {text}"),
            Arrival::Stop if text == "normal" => "stop".to_owned(),
            Arrival::Stop => format!("stop: {text}"),
            Arrival::Kill => "kill".to_owned(),
            Arrival::System | Arrival::Monitor | Arrival::Link => return,
        };
        if from == Pid::NOBODY || from == at {
            // Its end says so.
            if what != Arrival::Kill {
                self.push(What::Own { at, sign: Sign::Goes, text: shown });
            }
            return;
        }
        let sent = What::Sent { from, to: at, text: shown, arrow: Arrow::Message };
        // One that is linked and watches hears of an end twice.
        if what != Arrival::Down || !self.is_exit(from, at) {
            self.push(sent);
        }
        let row = self.rows.len() - 1;
        if matches!(what, Arrival::Call | Arrival::Stop) {
            self.asked.entry((at, from)).or_default().push(row);
        }
        self.queued.entry(at).or_default().push(Queued { what, text, row });
    }

    /// Whether the last row is the exit of a process, on its way to this one.
    fn is_exit(&self, from: Pid, to: Pid) -> bool {
        let queued = self.queued.get(&to).and_then(|queued| queued.last());
        let is_exit = queued.is_some_and(|queued| queued.what == Arrival::Exit && self.is_last(queued.row));
        let row = self.rows.last().map(|row| &row.what);
        is_exit && matches!(row, Some(What::Sent { from: other, .. }) if *other == from)
    }

    fn refused(&mut self, at: Pid, from: Pid) {
        let Some(Queued { row, .. }) = self.queued.get_mut(&at).and_then(Vec::pop) else { return };
        if let Some(asked) = self.asked.get_mut(&(at, from)) {
            asked.retain(|asked| *asked != row);
        }
        if let What::Sent { arrow, .. } = &mut self.rows[row].what {
            *arrow = Arrow::Refused;
        }
    }

    /// A callback that does not begin with the arrival of its message has a row of its own.
    fn began(&mut self, pid: Pid, callback: Callback, text: Option<&str>) {
        if matches!(callback, Callback::Terminate | Callback::Init) {
            return;
        }
        let text = text.map(|text| self.titles.message(text)).unwrap_or_default();
        let Some(queued) = self.queued.get_mut(&pid).filter(|queued| !queued.is_empty()) else { return };
        let place = queued.iter().position(|queued| queued.text == text).unwrap_or_default();
        let Queued { what, row, .. } = queued.remove(place);
        let is_signal = matches!(what, Arrival::Down | Arrival::Exit | Arrival::Stop);
        let has_waited = self.rows[row + 1..].iter().any(|row| row.what.processes().any(|other| other == pid));
        // Of a signal, it is mostly enough to know that it came.
        if has_waited || !is_signal && self.rows[row].step != self.step {
            let text = match &self.rows[row].what {
                What::Sent { text, .. } if is_signal => text.clone(),
                _ => text,
            };
            self.push(What::Own { at: pid, sign: Sign::Goes, text });
        }
    }

    fn replied(&mut self, from: Pid, to: Pid, text: Option<&str>) {
        let Some(asked) = self.asked.get_mut(&(from, to)).filter(|asked| !asked.is_empty()) else { return };
        let row = asked.remove(0);
        let is_last = self.is_last(row);
        match &mut self.rows[row].what {
            What::Sent { arrow, .. } if is_last && text.is_none() => *arrow = Arrow::Answered,
            _ => {
                let text = text.unwrap_or_default().to_owned();
                self.push(What::Sent { from, to, text, arrow: Arrow::Answer });
            }
        }
    }

    /// A task that has done its work simply is there no more.
    fn ended(&mut self, pid: Pid, reason: &str) {
        if Some(pid) != self.test {
            self.push(What::Own { at: pid, sign: Sign::Ends, text: reason.to_owned() });
        }
    }
}
