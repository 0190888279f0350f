//! Which members should own a bucket, best first: rendezvous hashing.
//!
//! Each member has a score for each bucket, and the one with the highest is preferred. So a member that comes or goes moves only the
//! buckets that are its own. All members compute the same, as long as they see the same members; where they do not, the name of the
//! owner decides.

use std::cmp::Reverse;

/// Puts the processes of members, which have names such as `b/3`, into the order in which they should own a bucket.
pub(crate) fn sort_for<P>(bucket: &str, processes: &mut [P], name: impl Fn(&P) -> &str) {
    processes.sort_by_cached_key(|process| Reverse(score(bucket, member_of(name(process)))));
}

/// Without the number of the process: a member that is started again prefers the same buckets.
fn member_of(process: &str) -> &str {
    process.rsplit_once('/').map_or(process, |(member, _number)| member)
}

/// The same in every build and on every machine: FNV-1a, whose last bytes change its high bits too little, and so a mix of them.
fn score(bucket: &str, member: &str) -> u64 {
    let bytes = member.bytes().chain([0xff]).chain(bucket.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferred(bucket: &str, members: &[&'static str]) -> &'static str {
        let mut members = members.to_vec();
        sort_for(bucket, &mut members, |member| member);
        members[0]
    }

    fn buckets() -> impl Iterator<Item = String> {
        (0..3_000).map(|number| format!("bucket-{number}"))
    }

    #[test]
    fn each_member_is_preferred_for_about_as_many_buckets() {
        for member in ["a/1", "b/7", "c/1"] {
            let own = buckets().filter(|bucket| preferred(bucket, &["a/1", "b/7", "c/1"]) == member).count();
            assert!((900..1_100).contains(&own), "{member} has {own}");
        }
    }

    #[test]
    fn a_member_that_goes_moves_only_its_own_buckets() {
        for bucket in buckets() {
            let before = preferred(&bucket, &["a/1", "b/7", "c/1"]);
            assert!(before == "b/7" || before == preferred(&bucket, &["a/1", "c/1"]), "{bucket}");
        }
    }

    #[test]
    fn a_member_that_is_started_again_is_preferred_for_the_same_buckets() {
        for bucket in buckets() {
            let [before, after] = [["a/1", "b/7"], ["b/1", "a/12"]].map(|members| preferred(&bucket, &members));
            assert_eq!(member_of(before), member_of(after));
        }
    }
}
