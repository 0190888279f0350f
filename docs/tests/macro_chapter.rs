//! The chapter `MACRO.md`: its programs are those that are compiled, and its table counts their lines.

const CHAPTER: &str = include_str!("../MACRO.md");

/// The programs in the order of the chapter, which is that of the columns of its table.
const PROGRAMS: [&str; 4] = [
    include_str!("../../crates/benchmarks/examples/account_hand.rs"),
    include_str!("../../crates/benchmarks/examples/account_macros.rs"),
    include_str!("../../crates/benchmarks/examples/account_kameo.rs"),
    include_str!("../../crates/benchmarks/examples/account_ractor.rs"),
];

/// What the chapter shows of a program: all but the line that says what the file is.
fn shown(program: &str) -> &str {
    let (_, shown) = program.split_once("\n\n").expect("a blank line follows the first line");
    shown
}

/// The lines of the server and its client: neither blank, nor of a `use` or of `main`.
fn counted(program: &str) -> usize {
    let (_, items) = shown(program).split_once(";\n\n").expect("a `use` comes first");
    let (server, _) = items.split_once("#[tokio::main]").expect("`main` comes last");
    server.lines().filter(|line| !line.is_empty()).count()
}

/// The numbers in the rows of the table of lines, the sums in the last.
fn rows() -> Vec<[usize; 4]> {
    let table = CHAPTER.lines().skip_while(|line| !line.starts_with("| lines for"));
    table.skip(2).take_while(|line| line.starts_with('|')).map(row).collect()
}

fn row(line: &str) -> [usize; 4] {
    let cells = line.trim_matches('|').split('|').skip(1);
    let numbers = cells.map(|cell| cell.trim().trim_matches('*').parse().expect("a number of lines"));
    numbers.collect::<Vec<_>>().try_into().expect("four columns of numbers")
}

#[test]
fn the_chapter_shows_the_programs_that_are_compiled() {
    let blocks = CHAPTER.split("```rust").skip(1).map(|rest| {
        let (_, block) = rest.split_once('\n').expect("a fence ends its line");
        block.split("```").next().unwrap_or_default()
    });
    let blocks: Vec<&str> = blocks.filter(|block| block.contains("fn main")).collect();
    assert_eq!(blocks, PROGRAMS.map(shown), "write what crates/benchmarks/examples has");
}

#[test]
fn the_table_counts_the_lines_of_the_programs() {
    let rows = rows();
    let (sums, parts) = rows.split_last().expect("the table has rows");
    assert_eq!(*sums, PROGRAMS.map(counted));
    let added = parts.iter().fold([0; 4], |sum, part| std::array::from_fn(|column| sum[column] + part[column]));
    assert_eq!(*sums, added);
}

#[test]
fn the_server_takes_at_most_thirty_lines_with_the_macro() {
    assert!(counted(PROGRAMS[1]) <= 30);
}
