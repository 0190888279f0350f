//! The page of the observer in a real browser: Chromium without a screen that a program drives, and a program to look at.
//!
//! `cargo xtask browser` installs what it needs, and runs the tests. `cargo xtask browser --screenshots` makes the pictures.

// The browser.
mod browser;
// The program that is looked at.
mod shop;

pub use browser::{Browser, Error, Scheme};
pub use shop::{Ask, Desk, Shop, Tell, kinds};
