//! A run as a sequence diagram: a column for a process, an arrow for a message, and time goes down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use crate::Pid;

use super::Trace;
use super::rows::{Arrow, Row, Sign, What};

/// The width of a terminal.
const WIDTH: usize = 100;

/// With more processes than this, arrows say less than names.
const COLUMNS_MAX: usize = 6;

/// A diagram with fewer rows leaves out too much of a run.
const ROWS_MIN: usize = 4;

/// What stands in front of the first column.
const MARGIN: usize = 2;

/// The diagram in so many lines or fewer. Nothing if the run does not fit into one.
pub(super) fn lines(trace: &Trace, lines_max: usize) -> Option<Vec<String>> {
    let rows = trace.rows();
    for show in [Show::EffectsAndChoices, Show::Effects, Show::All] {
        // The head takes two lines at most, and what says that something was left out takes one.
        let mut rows_max = lines_max.saturating_sub(3);
        loop {
            let (shown, is_cut) = chosen(trace, &rows, rows_max, show);
            // Too little to understand it. If nothing was cut off, this is all there is.
            if shown.is_empty() || shown.len() < ROWS_MIN && (is_cut || show != Show::All) {
                break;
            }
            let lines = drawn(trace, &rows, &shown, is_cut).filter(|lines| lines.len() <= lines_max);
            if lines.is_some() {
                return lines;
            }
            // The last of it may fit.
            rows_max = shown.len() - 1;
        }
    }
    None
}

fn drawn(trace: &Trace, rows: &[Row], shown: &[Shown], is_cut: bool) -> Option<Vec<String>> {
    let order = order(rows, shown);
    let (notes, layout) = Style::ALL.into_iter().find_map(|style| {
        let notes = Notes::new(trace, rows, shown, style.has_notes_below);
        let layout = Layout::new(trace, rows, shown, &order, style);
        (layout.width + notes.width() <= WIDTH).then_some((notes, layout))
    })?;
    let mut lines = layout.head(trace);
    if let (true, Some(first)) = (is_cut, shown.first()) {
        let step = trace.steps[rows[first.first].step].number;
        lines.push(format!("{:MARGIN$}(what came before step {step} is left out)", ""));
    }
    let lives = Lives::new(rows);
    for shown in shown {
        let picture = layout.draw(shown.last, &rows[shown.first].what, &lives);
        let (note, below) = notes.of(shown.first);
        lines.push(format!("{picture}{note}").trim_end().to_owned());
        if let Some(below) = below {
            let lanes = format!("{}{:7}", layout.draw(shown.last + 1, &What::Nothing, &lives), "");
            // One that is too long begins further left, in the place of lanes: the line is no wider than a terminal.
            let space = WIDTH.saturating_sub(below.chars().count() + 2);
            lines.push(format!("{}  {below}", lanes.chars().take(space).collect::<String>()));
        }
    }
    Some(lines)
}

/// How much space texts have.
#[derive(Clone, Copy)]
struct Style {
    text_max: usize,
    /// Whether a pid stands below its name, and arrows are short.
    is_narrow: bool,
    /// Whether what is said of a step has a line of its own.
    has_notes_below: bool,
}

impl Style {
    /// All of them: those first that are easier to read.
    const ALL: [Self; 16] = {
        let mut all = [Self { text_max: 0, is_narrow: false, has_notes_below: false }; 16];
        let texts = [36, 30, 20, 12];
        let mut place = 0;
        while place < 16 {
            let text_max = texts[place / 8 * 2 + place % 2];
            all[place] = Self { text_max, is_narrow: place / 2 % 2 == 1, has_notes_below: place / 4 % 2 == 1 };
            place += 1;
        }
        all
    };
}

/// A row that is drawn, or several in a row that are the same.
struct Shown {
    first: usize,
    last: usize,
    count: usize,
}

/// Which rows are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    /// Those whose effect can have reached the last one, and unusual choices.
    EffectsAndChoices,
    Effects,
    All,
}

/// The rows that are to be shown, and fit. Walks back from the end. Also whether some were left out because they did not fit.
fn chosen(trace: &Trace, rows: &[Row], rows_max: usize, show: Show) -> (Vec<Shown>, bool) {
    let mut shown: Vec<Shown> = Vec::new();
    let mut columns: BTreeSet<Pid> = BTreeSet::new();
    let mut is_cut = false;
    for (place, row) in rows.iter().enumerate().rev().filter(|(_, row)| !row.is_minor) {
        // What is said of a step is said beside its first row.
        let is_first = place == 0 || rows[place - 1].step != row.step;
        let is_choice = show == Show::EffectsAndChoices && is_first && !trace.steps[row.step].choices.is_empty();
        let wider: BTreeSet<Pid> = columns.iter().copied().chain(row.what.processes()).collect();
        let concerns = match &row.what {
            _ if columns.is_empty() || show == Show::All => true,
            _ if is_choice && wider.len() <= COLUMNS_MAX => true,
            What::Sent { to, arrow: Arrow::Message | Arrow::Answer, .. } => columns.contains(to),
            What::Nothing => true,
            what => what.processes().any(|pid| columns.contains(&pid)),
        };
        if !concerns {
            continue;
        }
        if let Some(next) = shown.last_mut()
            && rows[next.first].what == row.what
            && (rows[next.first].step == row.step || trace.notes(&trace.steps[rows[next.first].step]).is_none())
        {
            next.first = place;
            next.count += 1;
            continue;
        }
        if wider.len() > COLUMNS_MAX || shown.len() == rows_max {
            is_cut = true;
            break;
        }
        columns = wider;
        shown.push(Shown { first: place, last: place, count: 1 });
    }
    shown.reverse();
    (shown, is_cut)
}

/// The order of columns in which the arrows are shortest. Of those that are equal, the one in which the processes appear.
fn order(rows: &[Row], shown: &[Shown]) -> Vec<Pid> {
    let mut processes: Vec<Pid> = Vec::new();
    for pid in shown.iter().flat_map(|shown| rows[shown.first].what.processes()) {
        if !processes.contains(&pid) {
            processes.push(pid);
        }
    }
    let length = |order: &[Pid]| -> usize {
        let place = |pid: &Pid| order.iter().position(|other| other == pid).unwrap_or_default();
        let arrows = shown.iter().filter_map(|shown| match &rows[shown.first].what {
            What::Sent { from, to, .. } => Some(place(from).abs_diff(place(to))),
            _ => None,
        });
        arrows.sum()
    };
    let mut best = (length(&processes), processes.clone());
    permute(&mut processes, 0, &mut |order| {
        let length = length(order);
        if length < best.0 {
            best = (length, order.to_vec());
        }
    });
    best.1
}

/// All orders of a list from this place on.
fn permute(list: &mut Vec<Pid>, from: usize, see: &mut impl FnMut(&[Pid])) {
    if from == list.len() {
        return see(list);
    }
    for place in from..list.len() {
        // The others keep their order.
        let moved = list.remove(place);
        list.insert(from, moved);
        permute(list, from + 1, see);
        let moved = list.remove(from);
        list.insert(place, moved);
    }
}

/// From which row to which a process lives.
struct Lives(BTreeMap<Pid, (usize, usize)>);

impl Lives {
    fn new(rows: &[Row]) -> Self {
        let mut lives = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            match &row.what {
                What::Sent { to, arrow: Arrow::Start, .. } => lives.entry(*to).or_insert((0, usize::MAX)).0 = place,
                What::Own { at, sign: Sign::Ends, .. } => lives.entry(*at).or_insert((0, usize::MAX)).1 = place,
                // Its end is the last that it tells others.
                What::Sent { from, .. } => {
                    let life = lives.entry(*from).or_insert((0, usize::MAX));
                    if life.1 < place {
                        life.1 = place;
                    }
                }
                _ => {}
            }
        }
        Self(lives)
    }

    fn has(&self, pid: Pid, row: usize) -> bool {
        self.0.get(&pid).is_none_or(|(first, last)| (*first..=*last).contains(&row))
    }
}

/// What stands at the right of the rows.
struct Notes(BTreeMap<usize, (String, Option<String>)>);

impl Notes {
    fn new(trace: &Trace, rows: &[Row], shown: &[Shown], is_below: bool) -> Self {
        let mut notes = BTreeMap::new();
        let mut last = None;
        let mut elapsed = Duration::ZERO;
        for shown in shown {
            let (from, to) = (rows[shown.first].step, rows[shown.last].step);
            let (first, until) = (&trace.steps[from], &trace.steps[to]);
            let (mut note, mut below) = (String::new(), None);
            if last != Some(from) {
                let steps =
                    if from == to { first.number.to_string() } else { format!("{}-{}", first.number, until.number) };
                note = format!("{steps:>7}");
            }
            if shown.count > 1 && from == to {
                note = format!("{note:7}  {} times", shown.count);
            }
            if last != Some(from) {
                if until.elapsed > elapsed {
                    // Writing to a string does not fail.
                    let _ = write!(note, "  {:?}", until.elapsed);
                }
                match trace.notes(first) {
                    Some(more) if is_below => below = Some(more),
                    Some(more) => {
                        let _ = write!(note, "  {more}");
                    }
                    None => {}
                }
            }
            (last, elapsed) = (Some(to), until.elapsed);
            notes.insert(shown.first, (note, below));
        }
        Self(notes)
    }

    fn width(&self) -> usize {
        let of = |(note, _): &(String, _)| note.chars().count();
        self.0.values().map(of).max().unwrap_or_default()
    }

    fn of(&self, row: usize) -> (&str, Option<&str>) {
        self.0.get(&row).map_or(("", None), |(note, below)| (note, below.as_deref()))
    }
}

/// Where the columns stand.
struct Layout<'a> {
    order: &'a [Pid],
    at: Vec<usize>,
    width: usize,
    style: Style,
}

impl<'a> Layout<'a> {
    /// Columns as near to each other as their texts allow.
    fn new(trace: &Trace, rows: &[Row], shown: &[Shown], order: &'a [Pid], style: Style) -> Self {
        let Style { text_max, is_narrow, .. } = style;
        let title = |pid: &Pid| {
            let name = trace.titles.name(*pid).chars().count();
            let pid = pid.to_string().chars().count();
            if is_narrow { name.max(pid) } else { name + 1 + pid }
        };
        let titles: Vec<usize> = order.iter().map(title).collect();
        // How far each column is from the one before it; the first is as far from the margin as its title needs.
        let mut gaps: Vec<usize> = vec![MARGIN + titles.first().map_or(0, |title| title / 2)];
        gaps.extend(titles.windows(2).map(|pair| (pair[0] - pair[0] / 2 + pair[1] / 2) + 2));
        let mut tail = titles.last().map_or(0, |title| title - title / 2);
        let column = |pid: &Pid| order.iter().position(|other| other == pid).unwrap_or_default();
        for shown in shown {
            let (left, right, length) = match &rows[shown.first].what {
                What::Sent { from, to, text, arrow } => {
                    let (from, to) = (column(from), column(to));
                    let text = cut(text, text_max).chars().count();
                    // `|-- text -->|`, and more where one half is another arrow.
                    let shaft = if *arrow == Arrow::Answered { 11 } else { 9 };
                    (from.min(to), from.max(to), text + if is_narrow { shaft - 3 } else { shaft })
                }
                What::Own { at, text, .. } => {
                    let at = column(at);
                    (at, at + 1, cut(text, text_max).chars().count() + 4)
                }
                What::Nothing => continue,
            };
            if right == order.len() {
                tail = tail.max(length);
                continue;
            }
            let have: usize = gaps[left + 1..=right].iter().sum();
            gaps[right] += length.saturating_sub(have);
        }
        let mut at = gaps;
        for place in 1..at.len() {
            at[place] += at[place - 1];
        }
        let width = at.last().map_or(0, |last| last + tail + 1);
        Self { order, at, width, style }
    }

    fn column(&self, pid: Pid) -> usize {
        self.order.iter().position(|other| *other == pid).map_or(0, |place| self.at[place])
    }

    /// The titles over their columns.
    fn head(&self, trace: &Trace) -> Vec<String> {
        let line = |title: &dyn Fn(Pid) -> String, end: &str| {
            let mut line = Line::new(self.width);
            for (pid, at) in self.order.iter().zip(&self.at) {
                let title = title(*pid);
                line.put(at - title.chars().count() / 2, &title);
            }
            format!("{}{end}", line.text()).trim_end().to_owned()
        };
        if self.style.is_narrow {
            let name = line(&|pid| trace.titles.name(pid).to_owned(), "");
            return vec![name, line(&|pid| pid.to_string(), "   step")];
        }
        vec![line(&|pid| trace.titles.of(pid), "   step")]
    }

    fn draw(&self, place: usize, what: &What, lives: &Lives) -> String {
        let mut line = Line::new(self.width);
        for (pid, at) in self.order.iter().zip(&self.at) {
            if lives.has(*pid, place) {
                line.put(*at, "|");
            }
        }
        match what {
            What::Sent { from, to, text, arrow } => {
                line.arrow(self.column(*from), self.column(*to), *arrow, &cut(text, self.style.text_max));
            }
            What::Own { at, sign, text } => {
                let sign = match sign {
                    Sign::Goes => "o",
                    Sign::Ends => "x",
                    Sign::Fault => "!",
                };
                line.put(self.column(*at), format!("{sign} {}", cut(text, self.style.text_max)).trim_end());
            }
            What::Nothing => {}
        }
        line.text()
    }
}

/// A text in so many letters.
fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(length - 2).collect();
    short.push_str("..");
    short
}

/// A line that is drawn.
struct Line(Vec<char>);

impl Line {
    fn new(width: usize) -> Self {
        Self(vec![' '; width])
    }

    fn put(&mut self, at: usize, text: &str) {
        for (place, letter) in text.chars().enumerate() {
            if let Some(there) = self.0.get_mut(at + place) {
                *there = letter;
            }
        }
    }

    /// An arrow between two columns, with a text in its middle.
    fn arrow(&mut self, from: usize, to: usize, arrow: Arrow, text: &str) {
        let (left, right) = (from.min(to) + 1, from.max(to) - 1);
        let (near, far) = if from < to { (left, right) } else { (right, left) };
        let text = if text.is_empty() { String::new() } else { format!(" {text} ") };
        // Where it cannot be in the middle, it is nearer to where the arrow comes from.
        let free = (right + 1).saturating_sub(left + text.chars().count());
        let text_at = left + usize::midpoint(free, usize::from(from > to));
        let text_end = text_at + text.chars().count();
        for place in left..=right {
            // An answer is a broken line. Of a call that was answered at once, that is the half at its caller.
            let is_gap = match arrow {
                Arrow::Answer if text.is_empty() => place.abs_diff(far).is_multiple_of(2),
                Arrow::Answer | Arrow::Answered if place < text_at => {
                    (text_at - place) % 2 == 0 && (arrow == Arrow::Answer || near == left)
                }
                Arrow::Answer | Arrow::Answered if place >= text_end => {
                    (place - text_end) % 2 == 1 && (arrow == Arrow::Answer || near == right)
                }
                _ => false,
            };
            self.put(place, if is_gap { " " } else { "-" });
        }
        let head = |at: usize| if at == left { "<" } else { ">" };
        self.put(far, if arrow == Arrow::Refused { "x" } else { head(far) });
        if arrow == Arrow::Answered {
            self.put(near, head(near));
        }
        self.put(text_at, &text);
    }

    fn text(&self) -> String {
        self.0.iter().collect()
    }
}
