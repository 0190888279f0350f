//! The programs that this library began with, each with its own tests and console sessions.
#![cfg(feature = "tokio")]

mod seed_002_simple_queue;
mod seed_003_todo_manager;
mod seed_004_registry;
