//! A run as a page for a browser: every process and every step, in one file that needs no other.

use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::Pid;

use super::rows::{Arrow, Row, Sign, What};
use super::{Step, Trace};

/// How far columns are from each other, and rows.
const COLUMN: usize = 170;
const ROW: usize = 30;

/// The space for what is said of a step, at the left.
const LEFT: usize = 330;

/// How wide a letter of a text is, roughly.
const LETTER: usize = 7;

/// A step that shows nothing takes this much.
const EMPTY: usize = 18;

const STYLE: &str = include_str!("page.css");

/// The page of a run that fails: what is said of it, and all its steps.
pub(super) fn page(trace: &Trace, message: &str, recipe: &str) -> String {
    let mut page = Page { trace, order: order(trace), text: String::new() };
    // Writing to a string does not fail.
    let _ = page.write(message, recipe);
    page.text
}

/// The processes, in the order in which they appear; the test is the first.
fn order(trace: &Trace) -> Vec<Pid> {
    let mut order: Vec<Pid> = trace.titles.test().into_iter().collect();
    for pid in trace.rows().iter().flat_map(|row| row.what.processes()) {
        if !order.contains(&pid) {
            order.push(pid);
        }
    }
    order
}

struct Page<'a> {
    trace: &'a Trace,
    order: Vec<Pid>,
    text: String,
}

/// The rows of one step, and where it stands.
struct Band<'a> {
    step: &'a Step,
    rows: &'a [Row],
    top: usize,
    height: usize,
}

/// The steps under one another, each as high as its rows.
fn bands<'a>(trace: &'a Trace, rows: &'a [Row]) -> Vec<Band<'a>> {
    let mut bands = Vec::new();
    let mut top = 0;
    let mut from = 0;
    for (place, step) in trace.steps.iter().enumerate() {
        let count = rows[from..].iter().take_while(|row| row.step == place).count();
        let height = if count == 0 { EMPTY } else { count * ROW };
        bands.push(Band { step, rows: &rows[from..from + count], top, height });
        (from, top) = (from + count, top + height);
    }
    bands
}

impl Page<'_> {
    fn write(&mut self, message: &str, recipe: &str) -> fmt::Result {
        let rows = self.trace.rows();
        let bands = bands(self.trace, &rows);
        let (width, height) = (self.width(), bands.last().map_or(0, |band| band.top + band.height) + ROW / 2);
        let what = message.lines().next().unwrap_or_default();
        write!(
            self.text,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<pre class=\"message\">{}</pre>\n\
             <p>This run again, alone:</p>\n<pre class=\"recipe\">sim::replay(\"{recipe}\", ..)\n\
             GENSERVER_SIM_RECIPE={recipe} cargo test</pre>\n</header>\n",
            escaped(what),
            escaped(message.trim_end()),
            recipe = escaped(recipe),
        )?;
        write!(
            self.text,
            "<main>\n<div class=\"run\" style=\"width:{width}px\">\n\
             <svg class=\"titles\" width=\"{width}\" height=\"48\" role=\"img\" aria-label=\"The processes\">\n"
        )?;
        self.titles()?;
        write!(
            self.text,
            "</svg>\n<svg class=\"steps\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"The steps\">\n"
        )?;
        self.lives(&bands, height)?;
        let mut elapsed = Duration::ZERO;
        for band in &bands {
            self.band(band, elapsed, width)?;
            elapsed = band.step.elapsed;
        }
        self.text.push_str("</svg>\n</div>\n</main>\n</body>\n</html>\n");
        Ok(())
    }

    fn width(&self) -> usize {
        LEFT + self.order.len().max(1) * COLUMN
    }

    fn column(&self, pid: Pid) -> usize {
        let place = self.order.iter().position(|other| *other == pid).unwrap_or_default();
        LEFT + place * COLUMN + COLUMN / 2
    }

    fn titles(&mut self) -> fmt::Result {
        for pid in self.order.clone() {
            let (x, name) = (self.column(pid), cut(self.trace.titles.name(pid), COLUMN / LETTER - 3));
            writeln!(
                self.text,
                "<g><rect class=\"box\" x=\"{}\" y=\"5\" width=\"{}\" height=\"38\" rx=\"7\"/>\
                 <text class=\"name\" x=\"{x}\" y=\"22\">{}</text><text class=\"pid\" x=\"{x}\" y=\"37\">{}</text></g>",
                x - COLUMN / 2 + 8,
                COLUMN - 16,
                escaped(&name),
                escaped(&pid.to_string()),
            )?;
        }
        Ok(())
    }

    /// A line for each process, from its start to its end.
    fn lives(&mut self, bands: &[Band<'_>], height: usize) -> fmt::Result {
        for pid in self.order.clone() {
            let (mut from, mut to) = (0, height);
            for band in bands {
                for (place, row) in band.rows.iter().enumerate() {
                    let y = band.top + place * ROW + ROW / 2;
                    match &row.what {
                        What::Sent { to: started, arrow: Arrow::Start, .. } if *started == pid => from = y,
                        What::Own { at, sign: Sign::Ends, .. } if *at == pid => to = to.min(y),
                        _ => {}
                    }
                }
            }
            let x = self.column(pid);
            writeln!(self.text, "<line class=\"life\" x1=\"{x}\" x2=\"{x}\" y1=\"{from}\" y2=\"{to}\"/>")?;
        }
        Ok(())
    }

    fn band(&mut self, band: &Band<'_>, before: Duration, width: usize) -> fmt::Result {
        let Band { step, rows, top, height } = band;
        let (number, notes) = (step.number, self.trace.notes(step));
        let class = if rows.iter().all(|row| row.is_minor) { "step minor" } else { "step" };
        write!(
            self.text,
            "<g id=\"step-{number}\" class=\"{class}{}\"><title>{}</title>\
             <rect class=\"band\" x=\"0\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>\
             <line class=\"rule\" x1=\"0\" x2=\"{width}\" y1=\"{top}\" y2=\"{top}\"/>",
            if notes.is_some() { " noted" } else { "" },
            escaped(&self.about(step)),
        )?;
        let y = top + (*height).min(ROW) / 2 + 4;
        write!(self.text, "<a href=\"#step-{number}\"><text class=\"number\" x=\"44\" y=\"{y}\">{number}</text></a>")?;
        if step.elapsed > before {
            write!(self.text, "<text class=\"time\" x=\"56\" y=\"{y}\">{:?}</text>", step.elapsed)?;
        }
        if let Some(notes) = notes {
            let notes = cut(notes.trim_start_matches("<- "), (LEFT - 118) / LETTER);
            write!(self.text, "<text class=\"note\" x=\"118\" y=\"{y}\">{}</text>", escaped(&notes))?;
        }
        let is_mixed = rows.iter().any(|row| !row.is_minor);
        for (place, row) in rows.iter().enumerate() {
            let is_minor = is_mixed && row.is_minor;
            self.text.push_str(if is_minor { "<g class=\"minor\">" } else { "<g>" });
            self.row(row, top + place * ROW + ROW / 2)?;
            self.text.push_str("</g>");
        }
        self.text.push_str("</g>\n");
        Ok(())
    }

    /// What is said of a step when the pointer is over it.
    fn about(&self, step: &Step) -> String {
        let mut about = format!("step {}, {:?}: {}", step.number, step.elapsed, super::list::names(self.trace, step));
        if let Some(notes) = self.trace.notes(step) {
            about.push('\n');
            about.push_str(&notes);
        }
        about
    }

    fn row(&mut self, row: &Row, y: usize) -> fmt::Result {
        match &row.what {
            What::Sent { from, to, text, arrow } => {
                let (from, to) = (self.column(*from), self.column(*to));
                let line = y + 4;
                let class = match arrow {
                    Arrow::Message | Arrow::Answered => "message",
                    Arrow::Refused => "refused",
                    Arrow::Answer => "answer",
                    Arrow::Start => "start",
                };
                let near = |x: usize, other: usize| if other > x { x + 2 } else { x - 2 };
                let (tail, head) = (near(from, to), near(to, from));
                write!(
                    self.text,
                    "<g class=\"{class}\"><line x1=\"{tail}\" x2=\"{head}\" y1=\"{line}\" y2=\"{line}\"/>"
                )?;
                self.head(head, line, to > from, *arrow == Arrow::Refused)?;
                if *arrow == Arrow::Answered {
                    let back = line + 5;
                    write!(
                        self.text,
                        "</g><g class=\"answer\"><line x1=\"{head}\" x2=\"{tail}\" y1=\"{back}\" y2=\"{back}\"/>"
                    )?;
                    self.head(tail, back, to < from, false)?;
                }
                let text = cut(text, (from.abs_diff(to) - 24) / LETTER);
                let middle = usize::midpoint(from, to);
                write!(self.text, "<text class=\"label\" x=\"{middle}\" y=\"{}\">{}</text></g>", y - 1, escaped(&text))
            }
            What::Own { at, sign, text } => {
                let x = self.column(*at);
                let text = escaped(&cut(text, (COLUMN - 24) / LETTER));
                match sign {
                    Sign::Goes => write!(
                        self.text,
                        "<g class=\"goes\"><rect x=\"{}\" y=\"{}\" width=\"8\" height=\"8\" rx=\"4\"/>\
                         <text x=\"{}\" y=\"{}\">{text}</text></g>",
                        x - 4,
                        y - 4,
                        x + 10,
                        y + 4
                    ),
                    Sign::Fault => write!(
                        self.text,
                        "<g class=\"fault\"><path d=\"M{x} {}l-4 9h6l-3 9\"/><text x=\"{}\" y=\"{}\">{text}</text></g>",
                        y - 9,
                        x + 11,
                        y + 4
                    ),
                    Sign::Ends => write!(
                        self.text,
                        "<g class=\"ends{}\"><path d=\"M{} {}l10 10m0 -10l-10 10\"/>\
                         <text x=\"{}\" y=\"{}\">{text}</text></g>",
                        if text == "normal" { " normal" } else { "" },
                        x - 5,
                        y - 5,
                        x + 11,
                        y + 4
                    ),
                }
            }
            What::Nothing => Ok(()),
        }
    }

    /// The head of an arrow, or a cross.
    fn head(&mut self, x: usize, y: usize, points_right: bool, is_cross: bool) -> fmt::Result {
        let back = if points_right { "-" } else { "" };
        if is_cross {
            let x = if points_right { x - 8 } else { x };
            return write!(self.text, "<path class=\"cross\" d=\"M{x} {}l8 8m0 -8l-8 8\"/>", y - 4);
        }
        write!(self.text, "<path class=\"head\" d=\"M{x} {y}l{back}8 -4v8z\"/>")
    }
}

/// A text in so many letters.
fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

/// A text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
