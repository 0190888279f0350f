//! Reasons out and in.

use std::fmt;

use genserver::Reason;
use proptest::prelude::*;

use super::{RemoteError, decode_reason, encode_reason};

fn there_and_here(reason: &Reason) -> Reason {
    decode_reason(&encode_reason(reason))
}

#[test]
fn reasons_of_otp_are_the_same_on_every_machine() {
    for reason in [
        Reason::Normal,
        Reason::Shutdown,
        Reason::Kill,
        Reason::Killed,
        Reason::NoProc,
        Reason::NoConnection,
        Reason::RuntimeGone,
        Reason::Overloaded,
        Reason::BadCall,
        Reason::BadCast,
    ] {
        assert_eq!(there_and_here(&reason), reason);
    }
}

#[test]
fn a_reason_of_a_program_prints_the_same_and_has_its_text() {
    let term = there_and_here(&Reason::term(vec![1, 2]));
    assert_eq!(term.to_string(), "[1, 2]");
    assert_eq!(term.downcast_ref::<String>().map(String::as_str), Some("[1, 2]"));
    assert_eq!(there_and_here(&Reason::term("out of paper".to_owned())), Reason::term("out of paper".to_owned()));

    let stop = there_and_here(&Reason::shutdown_with("idle"));
    assert!(stop.is_normal_set());
    assert_eq!(stop, Reason::shutdown_with("idle".to_owned()));

    let error = there_and_here(&"x".parse::<i32>().unwrap_err().into());
    assert_eq!(error.to_string(), "invalid digit found in string");
    assert_eq!(error.downcast_ref::<RemoteError>().map(RemoteError::text), Some("invalid digit found in string"));

    let panic = there_and_here(&Reason::caught(Box::new("it broke")));
    let Reason::Panic(panic) = panic else { panic!("{panic:?}") };
    assert_eq!((panic.message(), panic.location()), ("it broke", None));
}

/// Prints without end, or panics.
#[derive(PartialEq)]
enum Odd {
    Endless,
    Panics,
}

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endless => loop {
                f.write_str("on and on, ")?;
            },
            Self::Panics => panic!("it does not print"),
        }
    }
}

#[test]
fn a_reason_that_prints_badly_travels_all_the_same() {
    let endless = there_and_here(&Reason::term(Odd::Endless)).to_string();
    assert!(endless.starts_with("on and on") && endless.ends_with(" ...") && endless.len() < 17 << 10);
    assert!(there_and_here(&Reason::term(Odd::Panics)).to_string().contains("panicked"));
}

proptest! {
    #[test]
    fn any_text_travels(text: String) {
        prop_assert_eq!(there_and_here(&Reason::term(text.clone())), Reason::term(text));
    }

    #[test]
    fn any_bytes_are_a_reason(bytes: Vec<u8>, body: Vec<u8>) {
        let _ = decode_reason(&bytes.into());
        let _ = decode_reason(&[&[1, 5, 0, 1, 0x80][..], &body].concat().into());
    }
}
