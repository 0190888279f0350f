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

/// How many lines a failure has at most.
const FAILURE_MAX: usize = 4;

/// How wide a number on top is, with its label.
const TILE: u16 = 13;

/// With fewer lines there are no numbers on top: the table needs the space.
const TILES_FROM: u16 = 9;

/// Draws everything. The view learns how many rows there is space for; returns whether that is news.
pub(super) fn draw(frame: &mut Frame<'_>, view: &mut View) -> bool {
    let area = frame.area();
    let (head, troubles) = (head_lines(view, area.width), troubles(view));
    let pane_is_open = view.pane != Pane::Closed;
    let [above, tiles, between, table, below, keys] = Layout::vertical([
        lines(&head),
        Constraint::Length(if area.height < TILES_FROM { 0 } else { 2 }),
        lines(&troubles),
        Constraint::Fill(1),
        if pane_is_open { Constraint::Fill(1) } else { Constraint::Length(0) },
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head), above);
    draw_tiles(frame, view, tiles);
    frame.render_widget(Paragraph::new(troubles), between);
    // One row is for the names of the columns, and one for what is shown.
    let is_news = view.set_rows(usize::from(table.height.saturating_sub(2)));
    draw_table(frame, view, table);
    if pane_is_open {
        pane::draw(frame, view, below);
    }
    frame.render_widget(key_line(view, keys.width), keys);
    is_news
}

/// The space for these lines.
fn lines(lines: &[Line<'_>]) -> Constraint {
    Constraint::Length(u16::try_from(lines.len()).unwrap_or(0))
}

fn head_lines(view: &View, width: u16) -> Vec<Line<'static>> {
    let Some(failure) = &view.failure else {
        return vec![Line::from(format!("observer {}", view.observer)).bold()];
    };
    let failure = Line::from(fit::visible(failure).replace('\n', " ")).style(Style::new().fg(Color::Red).bold());
    let mut lines = pane::wrapped(vec![failure], usize::from(width.max(1)));
    lines.truncate(FAILURE_MAX);
    lines
}

fn key_line(view: &View, width: u16) -> Line<'_> {
    if view.is_searching {
        let typed = Span::from(format!("/{}", view.query.search)).bold();
        return Line::from(vec![typed, "▏  ".into(), Span::from(SEARCH_KEYS).dim()]);
    }
    // Whole ones, as many as fit.
    let mut keys = String::new();
    for key in KEYS {
        let longer = if keys.is_empty() { key.to_owned() } else { format!("{keys}  {key}") };
        if Line::from(longer.as_str()).width() > usize::from(width) {
            break;
        }
        keys = longer;
    }
    Line::from(keys).dim()
}

/// The numbers of all processes: a label, and the number below it. If they do not all fit, those that are bad come first.
fn draw_tiles(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let tiles = &view.summary.tiles;
    let mut shown = [
        ("processes", number(tiles.processes as u64), false),
        ("messages/s", rate(tiles.rate), false),
        ("queued", number(tiles.queued as u64), false),
        ("refused", number(tiles.refused), tiles.refused > 0),
        ("restarts/min", number(tiles.restarts), tiles.restarts > 0),
        ("cycles", number(tiles.cycles), tiles.cycles > 0),
    ];
    let fitting = usize::from(area.width / TILE).clamp(1, shown.len());
    if fitting < shown.len() {
        shown.sort_by_key(|(.., is_bad)| !is_bad);
    }
    let areas = Layout::horizontal(vec![Constraint::Fill(1); fitting]).split(area);
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

/// A column of the table.
struct Column {
    /// What it is sorted by. The one that is sorted by is always shown.
    sort: Sort,
    name: &'static str,
    /// From this width of the table on there is space for it.
    from: u16,
    width: Constraint,
    /// What stands in it.
    text: fn(&ProcessRow) -> String,
}

const COLUMNS: &[Column] = &[
    Column { sort: Sort::Pid, name: "pid", from: 0, width: Constraint::Length(7), text: |row| row.pid.to_string() },
    Column {
        sort: Sort::Name,
        name: "name",
        from: 0,
        width: Constraint::Fill(2),
        text: |row| row.name.as_ref().or(row.label.as_ref()).map_or(short_type(&row.server), String::as_str).to_owned(),
    },
    Column { sort: Sort::State, name: "state", from: 50, width: Constraint::Fill(2), text: state },
    Column {
        sort: Sort::Mailbox,
        name: "mailbox",
        from: 0,
        width: Constraint::Length(8),
        text: |row| number(row.mailbox as u64),
    },
    Column { sort: Sort::Rate, name: "msg/s", from: 60, width: Constraint::Length(7), text: |row| rate(row.rate) },
    Column {
        sort: Sort::Handled,
        name: "handled",
        from: 70,
        width: Constraint::Length(8),
        text: |row| number(row.handled),
    },
    Column {
        sort: Sort::Refused,
        name: "refused",
        from: 110,
        width: Constraint::Length(8),
        text: |row| number(row.refused + row.dropped),
    },
    Column {
        sort: Sort::Restarts,
        name: "restarts",
        from: 110,
        width: Constraint::Length(9),
        text: |row| number(row.restarts),
    },
    Column {
        sort: Sort::Server,
        name: "type",
        from: 110,
        width: Constraint::Fill(2),
        text: |row| short_type(&row.server).to_owned(),
    },
];

/// What it does, and for how long.
fn state(row: &ProcessRow) -> String {
    match row.busy_ms {
        Some(ms) => format!("{} {}", row.state, time(ms)),
        None => row.state.clone(),
    }
}

/// A type without the path of its module.
fn short_type(server: &str) -> &str {
    let path = server.split('<').next().unwrap_or(server);
    server.get(path.rfind("::").map_or(0, |at| at + 2)..).unwrap_or(server)
}

fn draw_table(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let [title, area] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Line::from(table_title(view)).reversed(), title);
    let is_shown = |column: &&Column| area.width >= column.from || column.sort == view.query.sort;
    let columns: Vec<&Column> = COLUMNS.iter().filter(is_shown).collect();
    let arrow = if view.query.descending { "▼" } else { "▲" };
    let header = columns.iter().map(|Column { sort, name, .. }| {
        let is_sorted = *sort == view.query.sort;
        if is_sorted { cell(*sort, format!("{name}{arrow}")).bold() } else { cell(*sort, (*name).to_owned()).dim() }
    });
    let rows = view.page.rows.iter().take(view.query.limit).enumerate().map(|(at, row)| {
        let cells =
            columns.iter().map(|column| cell(column.sort, fit::visible(&(column.text)(row)).replace('\n', " ")));
        let shown = Row::new(cells);
        if at == view.cursor { shown.reversed() } else { shown }
    });
    let widths = columns.iter().map(|column| column.width);
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
    // The rows on the screen are not those of a query that is not answered yet, and neither are their numbers.
    let part = if view.is_answered() { format!("{first}-{last} of {}", page.found) } else { "...".to_owned() };
    let by = word(query.sort);
    if query.search.is_empty() {
        return format!("{part}, by {by}");
    }
    format!("{part} with \"{}\", of {} in all, by {by}", fit::visible(&query.search), page.total)
}
