//! A supervised store of named buckets, which tells of its buckets by events.
