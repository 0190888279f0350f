//! Reports as text: fixed sentences, with the user's values cut to size.

use std::fmt::{self, Write as _};

use super::any_report::Report;
use super::custom::CustomReport;
use super::cycle::CycleRefused;
use super::ended::{Crashed, LastMessage, Terminated};
use super::long_schedule::LongSchedule;
use super::mailbox::{Overflowed, Unexpected};
use super::supervised::Supervised;
use super::task::TaskFailed;
use super::who::Who;
use crate::values::info::Callback;
use crate::values::reason::Reason;
use crate::values::shown::shown;

/// How much of a report is printed: see [`Report::render`].
///
/// The limits apply to each value in it, such as the state or the reason. The sentences around them are always printed.
///
/// # Examples
///
/// ```
/// use genserver::report::Limits;
///
/// let limits = Limits { chars: Some(80), single_line: true, ..Limits::NONE };
/// assert_eq!(limits.lines, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many characters of a value are printed.
    pub chars: Option<usize>,
    /// How many lines of a value are printed.
    pub lines: Option<usize>,
    /// How many brackets deep a value is printed; deeper parts become `..`.
    pub depth: Option<usize>,
    /// Whether the whole report is one line. Line breaks in values are then printed as `\n`.
    pub single_line: bool,
}

impl Limits {
    /// No limits: everything is printed, on as many lines as it takes.
    ///
    /// # Examples
    ///
    /// ```
    /// use genserver::report::Limits;
    ///
    /// let one_line = Limits { single_line: true, ..Limits::NONE };
    /// assert_eq!(one_line.chars, None);
    /// ```
    pub const NONE: Self = Self { chars: None, lines: None, depth: None, single_line: false };
}

impl Default for Limits {
    /// Limits that suit a log file: 4096 characters and 64 lines per value.
    fn default() -> Self {
        Self { chars: Some(4096), lines: Some(64), ..Self::NONE }
    }
}

impl Report {
    /// Returns the report as text, within limits.
    ///
    /// It is cut between characters and says where it was cut. A value whose formatting panics is replaced by a fixed
    /// text, so this never fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # use genserver::{Cx, GenServer, Init, Never, Next, Node, Outcome, Reason};
    /// # struct Fragile;
    /// # impl GenServer for Fragile {
    /// #     type Args = ();
    /// #     type Call = Never;
    /// #     type Cast = ();
    /// #     type Info = Never;
    /// #     async fn init((): (), _cx: &mut Cx<Self>) -> Init<Self> { Init::Run(Fragile) }
    /// #     async fn handle_cast(&mut self, (): (), _cx: &mut Cx<Self>) -> Outcome<Self> {
    /// #         Next::stop(Reason::term("out of paper, and of patience"))
    /// #     }
    /// # }
    /// use genserver::report::Limits;
    ///
    /// # genserver_doc::run! {
    /// # let mut reports = Node::program().reports();
    /// # let fragile = genserver::start::<Fragile>(()).await?;
    /// # fragile.cast(())?;
    /// let report = reports.next().await.ok_or("the node is gone")?;
    /// let text = report.render(&Limits { chars: Some(12), single_line: true, ..Limits::NONE });
    /// assert!(text.ends_with("reason: out of paper..."));
    /// # }
    /// ```
    pub fn render(&self, limits: &Limits) -> String {
        let mut page = Page { text: String::new(), limits };
        match self {
            Self::Terminated(report) => page.terminated(report),
            Self::Crashed(report) => page.crashed(report),
            Self::Unexpected(report) => page.unexpected(report),
            Self::Overflowed(report) => page.overflowed(report),
            Self::LongSchedule(report) => page.long_schedule(report),
            Self::CycleRefused(report) => page.cycle_refused(report),
            Self::Supervised(report) => page.supervised(report),
            Self::TaskFailed(report) => page.task_failed(report),
            Self::Custom(report) => page.custom(report),
        }
        page.text
    }
}

/// Prints everything: [`render`](Report::render) without limits.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Limits::NONE))
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} {}", self.pid),
            None => self.pid.fmt(f),
        }
    }
}

impl fmt::Display for LastMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.callback {
            Callback::Call => write!(f, "call {}", self.text),
            Callback::Cast => write!(f, "cast {}", self.text),
            Callback::Idle => f.write_str("none, it was idle"),
            _ => f.write_str(&self.text),
        }
    }
}

/// The text that is being written.
struct Page<'a> {
    text: String,
    limits: &'a Limits,
}

impl Page<'_> {
    fn terminated(&mut self, report: &Terminated) {
        self.title("Server", &report.process, "terminating");
        self.line("server", report.server);
        self.label(&report.process);
        match &report.last_message {
            Some(message) => self.value("last message", &shown(message)),
            None => self.line("last message", "none"),
        }
        if let Some(client) = &report.client {
            self.line("client", &client.to_string());
        }
        self.value("state", &report.state);
        if !report.log.is_empty() {
            self.value("log", &report.log.join("\n"));
        }
        self.reason(&report.reason);
    }

    fn crashed(&mut self, report: &Crashed) {
        self.title("Process", &report.process, if report.in_init { "crashed in its init" } else { "crashed" });
        self.line("entry", if report.entry.is_empty() { "not known" } else { report.entry });
        self.label(&report.process);
        self.everybody("ancestors", &report.ancestors);
        self.everybody("links", &report.links);
        self.line("mailbox", &report.mailbox.to_string());
        self.line("traps exits", if report.traps_exits { "yes" } else { "no" });
        self.reason(&report.reason);
    }

    fn unexpected(&mut self, report: &Unexpected) {
        self.title("Unexpected message in", &report.process, "");
        self.line("server", report.server);
        self.label(&report.process);
        self.value("message", &report.message);
    }

    fn overflowed(&mut self, report: &Overflowed) {
        let what = if report.ends { "overflowed, and it ends" } else { "overflowed" };
        self.title("Mailbox of", &report.process, what);
        self.line("server", report.server);
        self.label(&report.process);
        self.line("dropped", &report.dropped.to_string());
    }

    fn long_schedule(&mut self, report: &LongSchedule) {
        self.title("Callback of", &report.process, "blocked its thread");
        self.line("server", report.server);
        self.label(&report.process);
        self.line("callback", &report.callback.to_string());
        self.line("blocked", &format!("{:?}", report.blocked));
        self.line("times", &report.times.to_string());
    }

    fn cycle_refused(&mut self, report: &CycleRefused) {
        self.title("Call of", &report.process, "refused: it would have closed a cycle");
        self.label(&report.process);
        let back = report.cycle.iter().chain(report.cycle.first()).map(ToString::to_string);
        self.line("cycle", &back.collect::<Vec<_>>().join(" → "));
    }

    fn supervised(&mut self, report: &Supervised) {
        self.title("Supervisor", &report.process, &report.event.to_string());
        self.label(&report.process);
        let child = &report.child;
        self.value("child", &child.id);
        self.line("pid", &child.pid.map_or("none".to_owned(), |pid| pid.to_string()));
        self.line("runs", child.runs);
        let significant = if child.significant { "significant " } else { "" };
        self.line("spec", &format!("{}, {significant}{}, shut down {}", child.restart, child.kind, child.shutdown));
        if let Some(reason) = &report.reason {
            self.reason(reason);
        }
    }

    fn task_failed(&mut self, report: &TaskFailed) {
        self.title("Task", &report.process, "terminating");
        self.label(&report.process);
        self.line("started by", &report.started_by.as_ref().map_or("plain code".to_owned(), ToString::to_string));
        self.line("function", report.function);
        self.reason(&report.reason);
    }

    fn custom(&mut self, report: &CustomReport) {
        self.title(report.kind, &report.process, &report.what);
        self.label(&report.process);
        for (name, value) in &report.details {
            self.value(name, value);
        }
        if let Some(reason) = &report.reason {
            self.reason(reason);
        }
    }

    fn title(&mut self, before: &str, who: &Who, after: &str) {
        self.text.push_str(before);
        self.text.push(' ');
        self.text.push_str(&who.to_string());
        if !after.is_empty() {
            self.text.push(' ');
            self.text.push_str(after);
        }
    }

    fn label(&mut self, who: &Who) {
        if let Some(label) = &who.label {
            self.value("label", label);
        }
    }

    fn everybody(&mut self, name: &str, all: &[Who]) {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        self.value(name, &if all.is_empty() { "none".to_owned() } else { all.join(", ") });
    }

    fn reason(&mut self, reason: &Reason) {
        if let Reason::Panic(panic) = reason {
            if let Some(place) = panic.location() {
                self.line("at", place);
            }
            if let Some(backtrace) = panic.backtrace() {
                self.value("backtrace", backtrace);
            }
        }
        self.value("reason", &shown(reason));
    }

    /// Writes a user's value, within limits.
    fn value(&mut self, name: &str, value: &str) {
        let value = cut(value, self.limits);
        self.line(name, &value);
    }

    fn line(&mut self, name: &str, value: &str) {
        if self.limits.single_line {
            // Writing to a string does not fail.
            let _ = write!(self.text, "; {name}: {}", value.replace('\n', "\\n"));
        } else {
            let _ = write!(self.text, "\n  {name}: {}", value.replace('\n', "\n    "));
        }
    }
}

/// The part of a text that is within the limits, with `...` where it was cut off.
fn cut(text: &str, limits: &Limits) -> String {
    let mut text = match limits.depth {
        Some(depth) => flatten(text, depth),
        None => text.to_owned(),
    };
    let mut whole = true;
    if let Some((end, _)) = limits.lines.and_then(|lines| text.match_indices('\n').nth(lines.saturating_sub(1))) {
        text.truncate(end);
        whole = false;
    }
    if let Some((end, _)) = limits.chars.and_then(|chars| text.char_indices().nth(chars)) {
        text.truncate(end);
        whole = false;
    }
    if !whole {
        text.push_str("...");
    }
    text
}

/// The text with `..` in place of everything deeper than `depth` brackets. Brackets in quotes do not count.
fn flatten(text: &str, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut level = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for c in text.chars() {
        let closes = !quoted && matches!(c, ')' | ']' | '}');
        let opens = !quoted && matches!(c, '(' | '[' | '{');
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if closes {
            level = level.saturating_sub(1);
        }
        if level <= depth {
            out.push(c);
        }
        if opens {
            level += 1;
            if level == depth + 1 {
                out.push_str("..");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    //! How a value is cut to size.

    use super::{Limits, cut};

    #[track_caller]
    fn check(text: &str, limits: Limits, expected: &str) {
        assert_eq!(cut(text, &limits), expected);
    }

    #[test]
    fn a_value_within_its_limits_is_whole() {
        check("abc", Limits { chars: Some(3), lines: Some(1), ..Limits::NONE }, "abc");
        check("[(a)]", Limits { depth: Some(2), ..Limits::NONE }, "[(a)]");
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        check("äöü", Limits { chars: Some(2), ..Limits::NONE }, "äö...");
        check("a\nb\nc", Limits { lines: Some(2), ..Limits::NONE }, "a\nb...");
        check("a", Limits { chars: Some(0), ..Limits::NONE }, "...");
    }

    #[test]
    fn a_deep_value_is_flattened() {
        check("A { b: [1, (2)] }", Limits { depth: Some(1), ..Limits::NONE }, "A { b: [..] }");
        check("A { b: [1, (2)] }", Limits { depth: Some(0), ..Limits::NONE }, "A {..}");
        check(r#"["(", ")"]"#, Limits { depth: Some(1), ..Limits::NONE }, r#"["(", ")"]"#);
    }
}
