//! What is on the screen, for what the observer has answered and after which keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::client::AskError;
use super::draw::draw;
use super::keys::Effect;
use super::round::Round;
use super::view::{Pane, View};
use crate::data::{ProcessDetail, ProcessPage, ProcessRow, ReportLevel, ReportRow, Sort, StateShown, Tie, Trouble};

/// A screen of this size, and an observer with this many processes.
struct Played {
    view: View,
    terminal: Terminal<TestBackend>,
    processes: usize,
}

fn row(pid: usize) -> ProcessRow {
    ProcessRow {
        pid: pid as u64,
        name: Some(format!("worker {pid}")),
        server: "shop::Worker<core::option::Option<u8>>".to_owned(),
        state: "waiting".to_owned(),
        mailbox: pid,
        handled: 1_000_000,
        rate: 2.5,
        ..ProcessRow::default()
    }
}

impl Played {
    fn new(columns: u16, rows: u16, processes: usize) -> Self {
        let terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut played = Self { view: View::new("127.0.0.1:4000"), terminal, processes };
        played.shows();
        played.answers();
        played
    }

    /// The observer answers what the view asks.
    fn answers(&mut self) {
        let question = self.view.question();
        let mut rows: Vec<ProcessRow> = (1..=self.processes).map(row).collect();
        rows.retain(|row| row.title().contains(&question.query.search));
        if question.query.descending {
            rows.reverse();
        }
        let found = rows.len();
        let offset = question.query.offset;
        let rows = rows.into_iter().skip(offset).take(question.query.limit).collect();
        let detail = question.inspected.filter(|pid| *pid <= self.processes as u64).map(|pid| ProcessDetail {
            row: row(usize::try_from(pid).unwrap()),
            parent: Some(Tie { pid: 1, title: "boss <1>".to_owned() }),
            waits_for: vec![Tie { pid: 2, title: "slow <2>".to_owned() }],
            state: StateShown::Yes {
                state: (1..=50).map(|line| format!("line {line}")).collect::<Vec<_>>().join("\n"),
                details: vec![],
                log: vec![],
                suspended: true,
            },
            ..ProcessDetail::default()
        });
        let page = ProcessPage { at: 0, total: self.processes, found, offset, rows };
        let round = Round { page, detail, ..Round::default() };
        self.view.take(&question, Ok(round));
    }

    fn press(&mut self, code: KeyCode) -> Effect {
        let effect = self.view.press(KeyEvent::new(code, KeyModifiers::NONE));
        if effect == Effect::Ask {
            self.answers();
        }
        effect
    }

    fn types(&mut self, keys: &str) {
        for key in keys.chars() {
            self.press(KeyCode::Char(key));
        }
    }

    /// The lines of the screen.
    fn shows(&mut self) -> String {
        let Self { view, terminal, .. } = self;
        let draws = |frame: &mut ratatui::Frame<'_>| {
            draw(frame, view);
        };
        let frame = terminal.draw(draws).unwrap();
        let width = usize::from(frame.area.width);
        let cells: Vec<&str> = frame.buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        cells.chunks(width).map(|line| line.concat().trim_end().to_owned() + "\n").collect()
    }

    /// The line that is chosen.
    fn chosen(&self) -> u64 {
        self.view.chosen().map_or(0, |row| row.pid)
    }
}

#[test]
fn a_screen_of_80_by_24_has_numbers_the_table_and_the_keys() {
    let mut played = Played::new(80, 24, 3);
    let screen = played.shows();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines.len(), 24);
    assert_eq!(lines[0], "observer 127.0.0.1:4000");
    assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>()[..3], ["processes", "messages/s", "queued"]);
    assert_eq!(lines[3], "1-3 of 3, by mailbox");
    assert_eq!(
        lines[4].split_whitespace().collect::<Vec<_>>(),
        ["pid", "name", "state", "mailbox▼", "msg/s", "handled"]
    );
    assert_eq!(lines[5].split_whitespace().collect::<Vec<_>>(), ["3", "worker", "3", "waiting", "3", "2.5", "1.0M"]);
    assert!(lines[23].starts_with("q quit  ↑↓ choose") && lines[23].ends_with("r reverse"), "{}", lines[23]);
    assert!(lines.iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn no_size_is_too_small() {
    for columns in [1, 2, 7, 20, 79, 200] {
        for rows in [1, 2, 3, 5, 8, 60] {
            let mut played = Played::new(columns, rows, 100);
            played.press(KeyCode::Enter);
            played.types("]]]]/x");
            played.view.failure = Some("a failure\nof two lines".to_owned());
            played.shows();
        }
    }
}

#[test]
fn a_narrow_screen_shows_whole_columns_numbers_and_keys() {
    let mut played = Played::new(40, 12, 3);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let screen = played.shows();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(words(lines[1]), ["processes", "messages/s", "queued"]);
    assert_eq!(words(lines[4]), ["pid", "name", "mailbox▼"]);
    assert_eq!(words(lines[5]), ["3", "worker", "3", "3"]);
    assert_eq!(lines[11], "q quit  ↑↓ choose  Enter inspect");
    // What is bad comes first, and what is sorted by is shown.
    played.types("s");
    played.view.summary.tiles.cycles = 1;
    let screen = played.shows();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(words(lines[1]), ["cycles", "processes", "messages/s"]);
    assert_eq!(words(lines[4]), ["pid", "name", "mailbox", "msg/s▼"]);
}

#[test]
fn a_low_screen_has_the_table_and_no_numbers() {
    let screen = Played::new(80, 6, 3).shows();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!((lines[0], lines[1]), ("observer 127.0.0.1:4000", "1-2 of 3, by mailbox"));
    assert!(lines[3].contains("worker 3") && lines[5].starts_with("q quit"), "{screen}");
}

#[test]
fn a_wide_screen_has_the_type_and_the_restarts() {
    let screen = Played::new(140, 24, 3).shows();
    assert!(screen.contains("restarts") && screen.contains("Worker<core::option"), "{screen}");
}

#[test]
fn a_process_is_chosen_through_all_pages_and_stays_chosen() {
    let mut played = Played::new(80, 24, 100);
    let rows = played.view.query.limit;
    assert_eq!(played.chosen(), 100);
    for _ in 0..rows {
        played.press(KeyCode::Down);
    }
    assert_eq!((played.chosen(), played.view.query.offset), (100 - rows as u64, 1));
    played.press(KeyCode::End);
    assert_eq!(played.chosen(), 1);
    played.press(KeyCode::PageUp);
    assert_eq!(played.chosen(), 1 + rows as u64);
    played.press(KeyCode::Home);
    played.press(KeyCode::Up);
    assert_eq!(played.chosen(), 100);
    played.types("jj");
    // One more comes before it.
    played.processes = 101;
    played.answers();
    assert_eq!((played.chosen(), played.view.cursor), (98, 3));
    // There are fewer than pages.
    played.press(KeyCode::End);
    played.processes = 2;
    played.answers();
    played.answers();
    assert_eq!(played.view.page.rows.len(), 2);
}

#[test]
fn a_search_is_kept_with_enter_and_cleared_with_escape() {
    let mut played = Played::new(80, 24, 30);
    played.types("/worker 2q");
    assert!(played.shows().contains("/worker 2q▏"), "a letter is part of the search now");
    assert_eq!(played.view.page.found, 0);
    played.press(KeyCode::Backspace);
    played.press(KeyCode::Enter);
    assert!(played.shows().contains("1-11 of 11 with \"worker 2\", of 30 in all, by mailbox"));
    assert_eq!(played.chosen(), 29);
    // The next one begins anew.
    played.types("/worker 3");
    assert_eq!(played.view.query.search, "worker 3");
    played.press(KeyCode::Enter);
    played.press(KeyCode::Esc);
    assert!(played.shows().contains("of 30, by mailbox"));
}

#[test]
fn the_columns_are_sorted_one_after_the_other_and_reversed() {
    let mut played = Played::new(80, 24, 3);
    let mut sorts = Vec::new();
    for _ in 0..10 {
        sorts.push((played.view.query.sort, played.view.query.descending));
        played.types("s");
    }
    assert_eq!(sorts[..2], [(Sort::Mailbox, true), (Sort::Rate, true)]);
    assert!(sorts.contains(&(Sort::Name, false)));
    assert_eq!(played.view.query.sort, Sort::Mailbox);
    played.types("r");
    assert!(played.shows().contains("mailbox▲"));
    assert_eq!(played.chosen(), 1);
    played.types("S");
    assert_eq!(played.view.query.sort, Sort::Pid);
}

#[test]
fn a_process_is_inspected_until_escape_also_when_it_has_ended() {
    let mut played = Played::new(80, 24, 10);
    played.press(KeyCode::Enter);
    let screen = played.shows();
    for shown in ["worker 10 <10>", "doing: waiting", "parent: boss <1>", "waits for: slow <2>", "suspended", "line 1"]
    {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    assert!(!screen.contains("\n  line 50\n"));
    for _ in 0..60 {
        played.types("]");
        played.shows();
    }
    assert!(played.shows().contains("\n  line 50\n"));
    played.types("[");
    assert!(!played.shows().contains("\n  line 50\n"));
    // Another one is chosen, and the pane keeps what it has.
    played.press(KeyCode::Down);
    assert!(played.shows().contains("worker 10 <10>"));
    played.processes = 5;
    played.answers();
    assert!(played.shows().contains("it has ended"));
    played.press(KeyCode::Esc);
    assert_eq!(played.view.pane, Pane::Closed);
}

#[test]
fn a_process_that_is_searched_for_is_inspected_when_it_is_found() {
    let mut played = Played::new(80, 24, 30);
    let keys = ['/', '1', '7', '\n', '\n'].map(|key| if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) });
    // Faster than the observer answers.
    for key in keys {
        played.view.press(KeyEvent::new(key, KeyModifiers::NONE));
    }
    assert_eq!(played.view.pane, Pane::Closed);
    assert!(played.shows().contains("... with \"17\""), "of what was asked for no number is known yet");
    let question = played.view.question();
    let rows = vec![row(17)];
    let page = ProcessPage { found: 1, total: 30, rows, ..ProcessPage::default() };
    assert!(!played.view.take(&question, Ok(Round { page, ..Round::default() })), "the process is to be asked for");
    assert_eq!(played.view.pane, Pane::Process(17));
}

#[test]
fn reports_are_newest_first_and_bounded() {
    let mut played = Played::new(80, 24, 1);
    let question = played.view.question();
    let reports = (1..=1000).map(|number| ReportRow {
        number,
        level: ReportLevel::Error,
        title: format!("report {number} \x1b[2J"),
        reason: Some("it broke".to_owned()),
        ..ReportRow::default()
    });
    played.view.take(&question, Ok(Round { reports: reports.collect(), ..Round::default() }));
    played.types("l");
    let screen = played.shows();
    assert!(screen.contains("0 ms ago  report 1000 \\u{1b}[2J: it broke"), "{screen}");
    assert!(screen.find("report 1000") < screen.find("report 999"));
    assert_eq!((played.view.reports.len(), played.view.question().reports_after), (200, 1000));
    played.types("l");
    assert!(!played.shows().contains("report 1000"));
}

#[test]
fn what_is_wrong_stands_above_the_table() {
    let mut played = Played::new(80, 24, 1);
    let trouble = |number: u64| Trouble {
        title: format!("w <{number}>"),
        text: "does not return".to_owned(),
        ..Trouble::default()
    };
    played.view.summary.troubles = (1..=5).map(trouble).collect();
    let screen = played.shows();
    assert!(screen.contains("! w <1> does not return\n"), "{screen}");
    assert!(screen.contains("! w <3> does not return (and 2 more)\n"), "{screen}");
    let question = played.view.question();
    played.view.take(&question, Err(AskError::Late { address: "here".to_owned() }));
    let screen = played.shows();
    assert!(screen.starts_with("the observer at here has not answered for 5s"), "{screen}");
    assert!(screen.contains("worker 1"), "what was seen last stays");
    played.answers();
    assert!(played.shows().starts_with("observer 127.0.0.1:4000\n"));
}

#[test]
fn a_long_failure_is_told_to_its_end() {
    let mut played = Played::new(40, 12, 1);
    let question = played.view.question();
    let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    played.view.take(&question, Err(AskError::Connect { address: "127.0.0.1:4000".to_owned(), source }));
    let screen = played.shows();
    assert!(screen.contains("check the address, and whether its\nprogram runs\n"), "{screen}");
}

#[test]
fn another_program_at_the_address_tells_its_own_reports() {
    let mut played = Played::new(80, 24, 1);
    let report = |number: u64, title: &str| ReportRow { number, title: title.to_owned(), ..ReportRow::default() };
    let question = played.view.question();
    played.view.take(&question, Ok(Round { reports: vec![report(7, "before")], ..Round::default() }));
    let question = played.view.question();
    assert_eq!(question.reports_after, 7);
    played.view.take(&question, Err(AskError::Late { address: "here".to_owned() }));
    let question = played.view.question();
    assert_eq!(question.reports_after, 0);
    played.view.take(&question, Ok(Round { reports: vec![report(1, "after")], ..Round::default() }));
    played.types("l");
    let screen = played.shows();
    assert!(screen.contains("after") && !screen.contains("before"), "{screen}");
    assert_eq!(played.view.question().reports_after, 1);
}

#[test]
fn an_answer_to_another_question_changes_no_table() {
    let mut played = Played::new(80, 24, 10);
    let old = played.view.question();
    assert_eq!(played.view.press(KeyEvent::new(KeyCode::Char('s'), KeyModifiers::NONE)), Effect::Ask);
    assert!(!played.view.take(&old, Ok(Round::default())), "it has to be asked again");
    assert_eq!(played.view.page.rows.len(), 10);
    assert!(played.view.take(&played.view.question(), Ok(Round::default())));
    assert_eq!(played.view.page.rows.len(), 0);
}

#[test]
fn q_and_ctrl_c_leave() {
    let mut played = Played::new(80, 24, 1);
    assert_eq!(played.press(KeyCode::Char('q')), Effect::Leave);
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(played.view.press(ctrl_c), Effect::Leave);
    played.types("/");
    assert_eq!(played.view.press(ctrl_c), Effect::Leave);
}
