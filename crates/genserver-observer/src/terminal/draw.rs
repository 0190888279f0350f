//! How it looks: numbers on top, what is wrong, the table, the pane, and the keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

use super::fit::{number, rate, time, word};
use super::keys::{KEYS, SEARCH_KEYS};
use super::view::{Pane, View};
use super::{fit, pane};
use crate::data::{ProcessRow, Sort};

/// How many troubles are shown.
const TROUBLES_MAX: usize = 3;

/// From this width on, there is space for the type, and for how often a process was restarted.
const WIDE: u16 = 110;

/// Draws everything. The view learns how many rows there is space for; returns whether that is news.
pub(super) fn draw(frame: &mut Frame<'_>, view: &mut View) -> bool {
    let troubles = troubles(view);
    let pane_is_open = view.pane != Pane::Closed;
    let [head, tiles, above, table, below, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(u16::try_from(troubles.len()).unwrap_or(0)),
        Constraint::Fill(1),
        if pane_is_open { Constraint::Fill(1) } else { Constraint::Length(0) },
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(head_line(view), head);
    draw_tiles(frame, view, tiles);
    frame.render_widget(Paragraph::new(troubles), above);
    // One row is for the names of the columns, and one for what is shown.
    let is_news = view.set_rows(usize::from(table.height.saturating_sub(2)));
    draw_table(frame, view, table);
    if pane_is_open {
        pane::draw(frame, view, below);
    }
    frame.render_widget(key_line(view), keys);
    is_news
}

fn head_line(view: &View) -> Line<'_> {
    match &view.failure {
        Some(failure) => Line::from(fit::visible(failure)).style(Style::new().fg(Color::Red).bold()),
        None => Line::from(format!("observer {}", view.observer)).bold(),
    }
}

fn key_line(view: &View) -> Line<'_> {
    if view.is_searching {
        let typed = Span::from(format!("/{}", view.query.search)).bold();
        return Line::from(vec![typed, "▏  ".into(), Span::from(SEARCH_KEYS).dim()]);
    }
    Line::from(KEYS).dim()
}

/// The numbers of all processes: a label, and the number below it.
fn draw_tiles(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let tiles = &view.summary.tiles;
    let shown = [
        ("processes", number(tiles.processes as u64), false),
        ("messages/s", rate(tiles.rate), false),
        ("queued", number(tiles.queued as u64), false),
        ("refused", number(tiles.refused), tiles.refused > 0),
        ("restarts/min", number(tiles.restarts), tiles.restarts > 0),
        ("cycles", number(tiles.cycles), tiles.cycles > 0),
    ];
    let areas = Layout::horizontal([Constraint::Fill(1); 6]).split(area);
    for ((label, value, is_bad), area) in shown.into_iter().zip(areas.iter()) {
        let value = Span::from(value).bold();
        let value = if is_bad { value.fg(Color::Yellow) } else { value };
        frame.render_widget(Paragraph::new(vec![Line::from(label).dim(), Line::from(value)]), *area);
    }
}

fn troubles(view: &View) -> Vec<Line<'static>> {
    let all = &view.summary.troubles;
    let more = all.len().saturating_sub(TROUBLES_MAX);
    let line = |(at, trouble): (usize, &crate::data::Trouble)| {
        let more = if more > 0 && at + 1 == TROUBLES_MAX { format!(" (and {more} more)") } else { String::new() };
        let text = format!("! {} {}{more}", trouble.title, trouble.text);
        Line::from(fit::visible(&text).replace('\n', " ")).style(Style::new().fg(Color::Red))
    };
    all.iter().take(TROUBLES_MAX).enumerate().map(line).collect()
}

/// A column: what it is sorted by, its name, its width, and what stands in it.
type Column = (Sort, &'static str, Constraint, fn(&ProcessRow) -> String);

const COLUMNS: &[Column] = &[
    (Sort::Pid, "pid", Constraint::Length(7), |row| row.pid.to_string()),
    (Sort::Name, "name", Constraint::Fill(2), |row| {
        row.name.clone().or_else(|| row.label.clone()).unwrap_or_else(|| short_type(&row.server).to_owned())
    }),
    (Sort::State, "state", Constraint::Fill(2), |row| match row.busy_ms {
        Some(ms) => format!("{} {}", row.state, time(ms)),
        None => row.state.clone(),
    }),
    (Sort::Mailbox, "mailbox", Constraint::Length(8), |row| number(row.mailbox as u64)),
    (Sort::Rate, "msg/s", Constraint::Length(7), |row| rate(row.rate)),
    (Sort::Handled, "handled", Constraint::Length(8), |row| number(row.handled)),
];

const WIDE_COLUMNS: &[Column] = &[
    (Sort::Refused, "refused", Constraint::Length(8), |row| number(row.refused + row.dropped)),
    (Sort::Restarts, "restarts", Constraint::Length(9), |row| number(row.restarts)),
    (Sort::Server, "type", Constraint::Fill(2), |row| short_type(&row.server).to_owned()),
];

/// A type without the path of its module.
fn short_type(server: &str) -> &str {
    let path = server.split('<').next().unwrap_or(server);
    server.get(path.rfind("::").map_or(0, |at| at + 2)..).unwrap_or(server)
}

fn draw_table(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let [title, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Line::from(table_title(view)).reversed(), title);
    let wide = if area.width >= WIDE { WIDE_COLUMNS } else { &[] };
    let columns: Vec<&Column> = COLUMNS.iter().chain(wide).collect();
    let arrow = if view.query.descending { "▼" } else { "▲" };
    let header = columns.iter().map(|(sort, name, ..)| {
        let is_sorted = *sort == view.query.sort;
        if is_sorted { cell(*sort, format!("{name}{arrow}")).bold() } else { cell(*sort, (*name).to_owned()).dim() }
    });
    let rows = view.page.rows.iter().take(view.query.limit).enumerate().map(|(at, row)| {
        let cells = columns.iter().map(|(sort, .., text)| cell(*sort, fit::visible(&text(row)).replace('\n', " ")));
        let shown = Row::new(cells);
        if at == view.cursor { shown.reversed() } else { shown }
    });
    let widths = columns.iter().map(|(_, _, width, _)| *width);
    frame.render_widget(Table::new(rows, widths).header(Row::new(header)), area);
}

/// A text in a column of words, or a number in one of numbers.
fn cell(column: Sort, text: String) -> Cell<'static> {
    let is_words = matches!(column, Sort::Name | Sort::State | Sort::Server);
    let text = Line::from(text);
    Cell::from(if is_words { text } else { text.right_aligned() })
}

/// Which part of the table it is.
fn table_title(view: &View) -> String {
    let (page, query) = (&view.page, &view.query);
    let first = if page.rows.is_empty() { 0 } else { page.offset + 1 };
    let last = page.offset + page.rows.len();
    let part = format!("{first}-{last} of {}", page.found);
    let by = word(query.sort);
    if query.search.is_empty() {
        return format!("{part}, by {by}");
    }
    format!("{part} with \"{}\", of {} in all, by {by}", fit::visible(&query.search), page.total)
}
