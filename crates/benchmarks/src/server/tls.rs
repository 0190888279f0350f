//! The store and Redis by TLS, which `redis-benchmark` asks.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use kv_server::net::ServerTls;
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::redis::Redis;
use super::subjects::Subject;
use super::with_redis_benchmark;
use crate::report;

/// Makes a certificate that is its own authority, and compares.
pub(super) fn compare(folder: &TempDir) {
    let issued = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("the host has a name");
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&certificate, issued.cert.pem()).expect("the folder is ours");
    fs::write(&key, issued.signing_key.serialize_pem()).expect("the folder is ours");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("the file is ours");
    let Some(redis) = Redis::tls(&certificate, &key, folder.path()) else {
        return report::line("TLS is skipped: there is no redis-server on the path, or it speaks no TLS");
    };
    let tls = ServerTls::from_files(&certificate, &key).expect("they were just made");
    let subjects = [Subject::tls("kv resp", Builder::new_current_thread(), tls), Subject::redis("redis", redis)];
    with_redis_benchmark("the same by TLS, op/s", &subjects.each_ref(), Some(&certificate));
}
