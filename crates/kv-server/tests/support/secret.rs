//! A password, and a hash of it that is checked in no time.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails with the test")]
#![allow(dead_code, reason = "each test file uses a part of it")]

use kv_server::{Password, PasswordHash};

pub(crate) const PASSWORD: &str = "open sesame";

/// It has the least costs that there are.
const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$bm90IHNvIHJhbmRvbQ$q0dFyjDk7xjlm+8/P44GvI9/iRSTyO0qWQfhruITFKI";

pub(crate) fn password() -> Password {
    Password::new(PASSWORD).unwrap()
}

pub(crate) fn hash() -> PasswordHash {
    HASH.parse().unwrap()
}
