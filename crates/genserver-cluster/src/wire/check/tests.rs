//! The walk over bytes beside a decoder, and by its rules.

use proptest::prelude::*;
use serde::Deserialize as _;
use serde::de::IgnoredAny;

use super::{DEPTH_MAX, Malformed, well_formed};

/// Lists of one element, so many in each other.
fn nested(depth: usize) -> Vec<u8> {
    let mut bytes = vec![0x91; depth];
    bytes.push(0xc0);
    bytes
}

#[test]
fn a_value_is_nested_as_deep_as_allowed_and_no_deeper() {
    assert_eq!(well_formed(&nested(DEPTH_MAX)), Ok(()));
    assert_eq!(well_formed(&nested(DEPTH_MAX + 1)), Err(Malformed::TooDeep));
    // Maps of one variant, as enums are: the decoder does not count them.
    let mut enums = [0x81, 0xa1, b'A'].repeat(DEPTH_MAX + 1);
    enums.push(0xc0);
    assert_eq!(well_formed(&enums), Err(Malformed::TooDeep));
}

#[test]
fn a_list_that_claims_more_than_there_is_ends_too_early() {
    for claim in [0xdd_u8, 0xdf, 0xdb, 0xc6, 0xc9] {
        assert_eq!(well_formed(&[claim, 0xff, 0xff, 0xff, 0xff, 0xc0]), Err(Malformed::Cut), "{claim:x}");
    }
    assert_eq!(well_formed(&[]), Err(Malformed::Cut));
}

#[test]
fn bytes_behind_a_value_are_left_over() {
    assert_eq!(well_formed(&[0xc0, 0xc0, 0xc0]), Err(Malformed::LeftOver(2)));
    assert_eq!(well_formed(&[0x90, 0x00]), Err(Malformed::LeftOver(1)));
    assert_eq!(well_formed(&[0xc1]), Err(Malformed::Unused));
}

proptest! {
    #[test]
    fn a_decoder_takes_the_same_bytes(bytes in prop::collection::vec(likely_byte(), 0..40)) {
        let mut decoder = rmp_serde::Deserializer::from_read_ref(&*bytes);
        let decoded = IgnoredAny::deserialize(&mut decoder);
        let whole = decoded.is_ok() && decoder_is_at_the_end(&bytes);
        // The depth of so few bytes is within the bound.
        prop_assert_eq!(well_formed(&bytes).is_ok(), whole, "{:?} {:?}", well_formed(&bytes), decoded);
    }
}

/// Whether a value takes all bytes: one byte less is then too few.
fn decoder_is_at_the_end(bytes: &[u8]) -> bool {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(&bytes[..bytes.len().saturating_sub(1)]);
    IgnoredAny::deserialize(&mut decoder).is_err()
}

/// Any byte, and more often one that begins a short list.
fn likely_byte() -> impl Strategy<Value = u8> {
    prop_oneof![any::<u8>(), 0x80_u8..=0x84, 0x90_u8..=0x94, 0xa0_u8..=0xa4, 0xc0_u8..=0xdf]
}
