//! `kv export`, `kv import` and `kv repair`.

use crate::program::{kv, printed, run, text};

const LINES: &str = "{\"format\":\"kv export\",\"version\":1}\n{\"bucket\":\"holidays\"}\n\
                     {\"bucket\":\"shopping\",\"key\":\"milk\",\"value\":\"1\"}\n{\"end\":true}\n";

#[test]
fn what_is_exported_is_imported_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (one, two, file) = (path("one"), path("two"), path("file"));
    printed(&run(kv(&["--data", &one]), b"CREATE shopping\nPUT shopping milk 1\nCREATE holidays\n"), 0);
    let output = run(kv(&["export", "--data", &one]), b"");
    assert_eq!(printed(&output, 0), LINES);
    assert_eq!(text(&output.stderr), format!("kv: exported 2 buckets, 1 entries, {} bytes\n", LINES.len()));
    printed(&run(kv(&["export", "shopping", "--data", &one, "-o", &file]), b""), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);

    printed(&run(kv(&["import", &file, "--data", &two]), b""), 0);
    printed(&run(kv(&["import", "-", "--data", &two]), LINES.as_bytes()), 0);
    let asked = b"BUCKETS\nGET shopping milk\n";
    assert_eq!(printed(&run(kv(&["--data", &two]), asked), 0), "* holidays\n* shopping\nOK\n1\nOK\n");
}

#[test]
fn what_cannot_be_transferred_has_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let check = |arguments: &[&str], input: &str, code: i32, message: &str| {
        let output = run(kv(&[arguments, &["--data", data.to_str().unwrap()]].concat()), input.as_bytes());
        printed(&output, code);
        assert!(text(&output.stderr).contains(message), "{output:?}");
    };
    check(&["repair"], "", 1, "there is no store in ");
    check(&["export", "shopping"], "", 1, "there is no bucket \"shopping\"");
    check(&["export", "-o", "/nonexistent/file"], "", 74, "/nonexistent/file cannot be written: ");
    check(&["import", "/nonexistent/file"], "", 74, "/nonexistent/file cannot be read: ");
    check(&["import", "-"], &format!("{LINES}nonsense\n"), 65, "-: line 5 is not JSON: ");
    check(&["import", "-"], &LINES[..35], 65, "-: the export was cut off after line 1: ");
    check(&["--json", "export"], "", 2, "--json is for one command");
    check(&["repair"], "", 0, "dropped 0");
}

#[test]
fn a_damaged_store_is_exit_65_and_names_the_repair() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    printed(&run(kv(&["--data", data]), b"CREATE a\nPUT a k 1\n"), 0);
    printed(&run(kv(&["--data", data]), b"PUT a k 2\n"), 0);
    let journal = folder.path().join("database/0.jnl");
    let mut bytes = std::fs::read(&journal).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    // As if the disk had lost the end of a write that it had synced.
    bytes[last - 20..].fill(0);
    std::fs::write(&journal, bytes).unwrap();

    let output = run(kv(&["--data", data]), b"GET a k\n");
    assert_eq!(printed(&output, 65), "");
    assert!(text(&output.stderr).contains(&format!("; kv repair --data {data} keeps ")), "{output:?}");
    let output = run(kv(&["repair", "--data", data]), b"");
    printed(&output, 0);
    assert!(text(&output.stderr).contains("dropped 1"), "{output:?}");
    assert_eq!(printed(&run(kv(&["--data", data]), b"GET a k\n"), 0), "1\nOK\n");
}
