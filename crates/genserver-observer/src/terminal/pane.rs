//! The pane below the table: one process, or the reports.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::fit::{number, rate, time, visible};
use super::view::{Pane, View};
use crate::data::{ProcessDetail, ReportLevel, ReportRow, StateShown, Tie};

/// How many of the processes that one is tied to are named.
const TIES_MAX: usize = 8;

/// Draws the pane, scrolled no further than its end.
pub(super) fn draw(frame: &mut Frame<'_>, view: &mut View, area: Rect) {
    let [title, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let (named, lines) = match view.pane {
        Pane::Closed => return,
        Pane::Process(pid) => match &view.detail {
            Some(detail) => (detail.row.title(), process(detail)),
            None if view.was_asked => (format!("<{pid}>"), vec![Line::from("it has ended")]),
            None => (format!("<{pid}>"), vec![Line::from("...")]),
        },
        Pane::Reports => (format!("reports, {} seen", view.reports.len()), reports(view)),
    };
    let lines = wrapped(lines, usize::from(area.width.max(1)));
    let last = lines.len().saturating_sub(usize::from(area.height));
    view.scroll = view.scroll.min(last);
    let place = format!("  line {} of {}: [ ] scroll", view.scroll + 1, lines.len());
    let more = if last > 0 { place } else { String::new() };
    frame.render_widget(Line::from(visible(&format!("{named}  Esc close{more}")).replace('\n', " ")).reversed(), title);
    let shown: Vec<Line<'_>> = lines.into_iter().skip(view.scroll).take(usize::from(area.height)).collect();
    frame.render_widget(Paragraph::new(shown), area);
}

/// The lines, cut at this width, so that they can be counted.
pub(super) fn wrapped(lines: Vec<Line<'static>>, width: usize) -> Vec<Line<'static>> {
    let mut cut = Vec::new();
    for line in lines {
        if line.width() <= width {
            cut.push(line);
            continue;
        }
        let text = line.to_string();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (part, left) = rest.split_at(fitting(rest, width));
            cut.push(Line::from(part.to_owned()).style(line.style));
            rest = left;
        }
    }
    cut
}

/// How many bytes of a text fit into this width; at least those of one character.
fn fitting(text: &str, width: usize) -> usize {
    let mut columns = 0;
    let too_far = |char: char| {
        columns += Span::from(char.to_string()).width();
        columns > width
    };
    let Some(end) = text.find(too_far) else { return text.len() };
    let first = text.chars().next().map_or(0, char::len_utf8);
    // Behind a word, unless that would leave most of the line empty.
    let behind_a_word = text[..end].rfind(' ').map(|at| at + 1).filter(|at| *at > end / 2);
    behind_a_word.unwrap_or(end).max(first)
}

/// Everything about a process, the state last: that may be long.
fn process(detail: &ProcessDetail) -> Vec<Line<'static>> {
    let row = &detail.row;
    let busy = row.busy_ms.map(|ms| format!(" for {}", time(ms))).unwrap_or_default();
    let mut lines = vec![
        pair("type", &row.server),
        pair("doing", &format!("{}{busy}", row.state)),
        pair(
            "messages",
            &format!(
                "{} wait (at most {}), {} handled, {}/s, {} refused, {} dropped",
                row.mailbox,
                row.mailbox_max,
                number(row.handled),
                rate(row.rate),
                row.refused,
                row.dropped
            ),
        ),
        pair("restarts", &row.restarts.to_string()),
    ];
    lines.extend(detail.parent.as_ref().map(|parent| pair("parent", &parent.title)));
    for (name, ties) in
        [("waits for", &detail.waits_for), ("waited for by", &detail.waited_for_by), ("links", &detail.links)]
    {
        if !ties.is_empty() {
            lines.push(pair(name, &named(ties)));
        }
    }
    lines.push(pair("monitors", &row.monitors.to_string()));
    match &detail.state {
        StateShown::No { why } => lines.push(pair("state", why)),
        StateShown::Yes { state, details, log, suspended } => {
            if *suspended {
                lines.push(Line::from("suspended").style(Style::new().fg(Color::Yellow)));
            }
            lines.extend(block("state", state));
            lines.extend(details.iter().flat_map(|(name, value)| block(name, value)));
            if !log.is_empty() {
                lines.extend(block("last events", &log.join("\n")));
            }
        }
    }
    lines
}

fn named(ties: &[Tie]) -> String {
    let titles: Vec<&str> = ties.iter().take(TIES_MAX).map(|tie| tie.title.as_str()).collect();
    let more = ties.len().saturating_sub(TIES_MAX);
    if more > 0 { format!("{} and {more} more", titles.join(", ")) } else { titles.join(", ") }
}

fn pair(name: &str, value: &str) -> Line<'static> {
    Line::from(format!("{name}: {}", visible(value).replace('\n', " ")))
}

/// A value that may have several lines.
fn block(name: &str, value: &str) -> Vec<Line<'static>> {
    let value = visible(value);
    if !value.contains('\n') {
        return vec![Line::from(format!("{}: {value}", visible(name)))];
    }
    let name = Line::from(format!("{}:", visible(name)));
    [name].into_iter().chain(value.lines().map(|line| Line::from(format!("  {line}")))).collect()
}

/// The reports, newest first.
fn reports(view: &View) -> Vec<Line<'static>> {
    if view.reports.is_empty() {
        return vec![Line::from("nothing has gone wrong since the observer looks")];
    }
    view.reports.iter().rev().map(|report| line_of(report, view.summary.tiles.at)).collect()
}

/// How long ago it was is told by the observer's own clock.
fn line_of(report: &ReportRow, now: u64) -> Line<'static> {
    let ago = time(now.saturating_sub(report.at));
    let reason = report.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let text = visible(&format!("{ago} ago  {}{reason}", report.title)).replace('\n', " ");
    Line::from(text).style(match report.level {
        ReportLevel::Error => Style::new().fg(Color::Red),
        ReportLevel::Warning => Style::new().fg(Color::Yellow),
        ReportLevel::Info => Style::new(),
    })
}
