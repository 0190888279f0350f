//! The faults, and the scenario that has to find each.

/// A fault: some text of a file, and what takes its place.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// In which package the scenario is.
    pub(super) package: &'static str,
    /// A test of its program `simulation`.
    pub(super) scenario: &'static str,
    /// What its message contains; nothing, where any failure will do.
    pub(super) says: &'static str,
    pub(super) file: &'static str,
    /// Each text stands there once.
    pub(super) edits: &'static [(&'static str, &'static str)],
}

/// A test that says nothing itself of what must not happen: the simulator has to.
const PROGRAM: &str = "oracles::a_program_is_checked_although_its_test_says_nothing";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "no-reply-on-kill",
        package: "genserver",
        scenario: "calls::every_call_ends_with_one_outcome_that_its_server_allows",
        says: "",
        file: "crates/genserver/src/process/ties.rs",
        edits: &[(
            "        for waiter in self.waiters.drain() {\n",
            "        for waiter in self.waiters.drain() {\n            if *reason == Reason::Killed {\n                continue;\n            }\n",
        )],
    },
    Fault {
        name: "down-overtakes",
        package: "genserver",
        scenario: "plain_processes::a_function_is_dropped_before_anybody_hears_of_its_end_and_after_all_that_it_sent",
        says: "",
        file: "crates/genserver/src/process/plain.rs",
        edits: &[(
            "    state.letters.queue.push_back(letter);\n",
            "    if matches!(letter, Letter::Down(_) | Letter::Exit(_)) {\n        state.letters.queue.push_front(letter);\n    } else {\n        state.letters.queue.push_back(letter);\n    }\n",
        )],
    },
    Fault {
        name: "name-freed-late",
        package: "genserver",
        scenario: "names::a_name_is_free_when_a_watcher_learns_of_the_end",
        says: "",
        file: "crates/genserver/src/process/death.rs",
        edits: &[(
            "        self.head.home.node().release_name(&self.head);\n",
            "        let late = Arc::clone(self);\n        self.head.home.runtime().spawn(Box::pin(async move { late.head.home.node().release_name(&late.head) }));\n",
        )],
    },
    Fault {
        name: "one-restart-too-many",
        package: "genserver",
        scenario: "supervisors::a_supervisor_restarts_as_often_as_it_may_and_not_once_more",
        says: "",
        file: "crates/genserver/src/supervisor/intensity.rs",
        edits: &[(
            "self.attempts.len() <= self.max_restarts as usize;",
            "self.attempts.len() <= self.max_restarts as usize + 1;",
        )],
    },
    Fault {
        name: "message-lost",
        package: "genserver",
        scenario: "queues::a_mailbox_keeps_its_bound_and_loses_nothing_that_it_has_taken",
        says: "",
        file: "crates/genserver/src/process/send.rs",
        edits: &[(
            "        mail.queue.push_back(message);\n        if mail.run == Run::Idle {",
            "        if mail.queue.len() != 2 {\n            mail.queue.push_back(message);\n        }\n        if mail.run == Run::Idle {",
        )],
    },
    Fault {
        name: "killed-told-as-normal",
        package: "genserver",
        scenario: "links_and_monitors::each_monitor_brings_one_down_with_the_reason_of_the_end",
        says: "",
        file: "crates/genserver/src/process/death.rs",
        edits: &[(
            "        let reason = self.mail.lock().doom.clone().unwrap_or(Reason::Killed);\n",
            "        let reason = self.mail.lock().doom.clone().unwrap_or(Reason::Killed);\n        let reason = if reason == Reason::Killed { Reason::Normal } else { reason };\n",
        )],
    },
    Fault {
        name: "handler-lost-on-swap",
        package: "genevent",
        scenario: "a_swap_in_the_midst_of_events_loses_none",
        says: "",
        file: "crates/genevent/src/server/change.rs",
        edits: &[(
            "            Ok(handler) => self.add(handler, owner, cx).await,\n",
            "            Ok(handler) => {\n                let added = self.add(handler, owner, cx).await;\n                drop_caught(self.handlers.take(0));\n                added\n            }\n",
        )],
    },
    Fault {
        name: "down-twice",
        package: "genserver",
        scenario: PROGRAM,
        says: "gets a `Down` of process",
        file: "crates/genserver/src/process/ties.rs",
        edits: &[(
            "            process.down(Down { reference, pid, reason: reason.clone() });\n",
            "            Arc::clone(&process).down(Down { reference, pid, reason: reason.clone() });\n            process.down(Down { reference, pid, reason: reason.clone() });\n",
        )],
    },
    Fault {
        name: "no-down-on-kill",
        package: "genserver",
        scenario: PROGRAM,
        says: "which has ended, and gets no `Down`",
        file: "crates/genserver/src/process/ties.rs",
        edits: &[(
            "            process.down(Down { reference, pid, reason: reason.clone() });\n",
            "            if *reason != Reason::Killed {\n                process.down(Down { reference, pid, reason: reason.clone() });\n            }\n",
        )],
    },
    Fault {
        name: "no-down-of-the-dead",
        package: "genserver",
        scenario: PROGRAM,
        says: "which has ended, and gets no `Down`",
        file: "crates/genserver/src/node/link.rs",
        edits: &[(
            "        watcher.down(Down { reference, pid, reason: Reason::NoProc });\n",
            "        if reference.0.get() % 2 == 0 {\n            watcher.down(Down { reference, pid, reason: Reason::NoProc });\n        }\n",
        )],
    },
    Fault {
        name: "down-lost-in-the-mailbox",
        package: "genserver",
        scenario: PROGRAM,
        says: "has not handled a `Down` that came to it",
        file: "crates/genserver/src/process/send.rs",
        edits: &[(
            "        self.enqueue(mail, message);\n        true\n",
            "        let is_down = matches!(&message, Envelope::Signal(signal) if matches!(**signal, Signal::Down(_)));\n        if !is_down {\n            self.enqueue(mail, message);\n        }\n        true\n",
        )],
    },
    Fault {
        name: "down-overtakes-at-a-server",
        package: "genserver",
        scenario: PROGRAM,
        says: "of the messages that came before it",
        file: "crates/genserver/src/process/send.rs",
        edits: &[(
            "        mail.queue.push_back(message);\n        if mail.run == Run::Idle {",
            "        if matches!(&message, Envelope::Signal(signal) if matches!(**signal, Signal::Down(_))) {\n            mail.queue.push_front(message);\n        } else {\n            mail.queue.push_back(message);\n        }\n        if mail.run == Run::Idle {",
        )],
    },
    Fault {
        name: "call-ends-twice",
        package: "genserver",
        scenario: PROGRAM,
        says: "has ended twice",
        file: "crates/genserver/src/node/reply.rs",
        edits: &[("        if self.done.load(Ordering::Relaxed) || !wanted(self) {\n", "        if !wanted(self) {\n")],
    },
    Fault {
        name: "answer-to-another-call",
        package: "genserver",
        scenario: PROGRAM,
        says: "gets the answer to another call",
        file: "crates/genserver/src/client/call.rs",
        edits: &[(
            "        self.slot = None;\n        self.rare = None;\n        answer.map_err(",
            "        if let Some(slot) = self.slot.take() {\n            cache::put_slot(slot);\n        }\n        self.rare = None;\n        answer.map_err(",
        )],
    },
    Fault {
        name: "call-outlives-its-server",
        package: "genserver",
        scenario: PROGRAM,
        says: "has ended, and a call of process",
        file: "crates/genserver/src/process/ties.rs",
        edits: &[(
            "        for waiter in self.waiters.drain() {\n",
            "        for waiter in self.waiters.drain() {\n            if *reason == Reason::Killed {\n                continue;\n            }\n",
        )],
    },
    Fault {
        name: "caller-dropped-in-vain",
        package: "genserver",
        scenario: PROGRAM,
        says: "whose `Caller` was dropped has not ended",
        file: "crates/genserver/src/process/poll.rs",
        edits: &[("            slot.fail(Unanswered::NoReply);\n", "            drop(slot);\n")],
    },
    Fault {
        name: "restarts-too-often",
        package: "genserver",
        scenario: PROGRAM,
        says: "restarts once more after",
        file: "crates/genserver/src/supervisor/intensity.rs",
        edits: &[(
            "self.attempts.len() <= self.max_restarts as usize;",
            "self.attempts.len() <= self.max_restarts as usize + 1;",
        )],
    },
    Fault {
        name: "gives-up-early",
        package: "genserver",
        scenario: PROGRAM,
        says: "gives up after",
        file: "crates/genserver/src/supervisor/intensity.rs",
        edits: &[(
            "self.attempts.len() <= self.max_restarts as usize;",
            "self.attempts.len() < self.max_restarts as usize;",
        )],
    },
    Fault {
        name: "terminates-twice",
        package: "genserver",
        scenario: PROGRAM,
        says: "has terminated twice",
        file: "crates/genserver/src/process/poll.rs",
        edits: &[(
            "                ending.terminated(verdict);\n                return After::Finish;\n",
            "                ending.terminated(verdict);\n                if ending.last != Doing::Terminate {\n                    ending.last = Doing::Terminate;\n                    return After::Job(Job::Terminate(None));\n                }\n                return After::Finish;\n",
        )],
    },
    Fault {
        name: "answered-before-commit",
        package: "kv-core",
        scenario: "power::nothing_that_was_answered_is_lost_in_a_power_failure",
        says: "",
        file: "crates/kv-core/src/committer.rs",
        edits: &[(
            "        let results = if commits.is_empty() { Vec::new() } else { self.storage.commit(commits).await };\n",
            "        let (storage, count) = (Arc::clone(&self.storage), commits.len());\n        let _later = genserver::spawn(move |_: genserver::Probe<genserver::Never>| async move { drop(storage.commit(commits).await) });\n        let results = vec![Ok(()); count];\n",
        )],
    },
    Fault {
        name: "uncommitted-read",
        package: "kv-core",
        scenario: "power::nothing_that_was_answered_is_lost_in_a_power_failure",
        says: "",
        file: "crates/kv-core/src/bucket/requests.rs",
        edits: &[("if !self.kept().is_on_its_way(&key) {", "if !self.kept().is_on_its_way(&key) || !key.is_empty() {")],
    },
    Fault {
        name: "taken-back-in-order",
        package: "kv-core",
        scenario: "power::nothing_that_was_answered_is_lost_in_a_power_failure",
        says: "",
        file: "crates/kv-core/src/bucket/kept.rs",
        edits: &[("in self.on_their_way.drain(..).rev() {", "in self.on_their_way.drain(..) {")],
    },
    Fault {
        name: "broken-round-committed",
        package: "kv-core",
        scenario: "power::a_change_that_failed_is_never_seen_while_the_store_runs",
        says: "",
        file: "crates/kv-core/src/committer.rs",
        edits: &[("request.changes.is_empty() || request.broken().is_some()", "request.changes.is_empty()")],
    },
    Fault {
        name: "sync-forgotten",
        package: "kv-core",
        scenario: "power::a_power_failure_loses_no_more_than_the_window",
        says: "",
        file: "crates/kv-core/src/committer.rs",
        edits: &[("let is_sync_due = storage.sync_within().is_some();", "let is_sync_due = false;")],
    },
    Fault {
        name: "not-loaded-again",
        package: "kv-core",
        scenario: "power::a_change_that_failed_is_never_seen_while_the_store_runs",
        says: "",
        file: "crates/kv-core/src/bucket/kept.rs",
        edits: &[(
            "if has_ended && !self.on_their_way.is_empty() { Standing::Unknown } else { Standing::Known }",
            "if has_ended && self.round == 0 { Standing::Unknown } else { Standing::Known }",
        )],
    },
    Fault {
        name: "no-fence",
        package: "kv-core",
        scenario: "power::a_bucket_that_was_killed_changes_nothing_after_the_next_has_read",
        says: "makes it",
        file: "crates/kv-core/tests/simulation/disk.rs",
        edits: &[("        if is_owner { Ok(()) }", "        if is_owner || fence.number() > 0 { Ok(()) }")],
    },
    Fault {
        name: "confirmed-by-the-answer",
        package: "genserver-cluster",
        scenario: "owners::a_name_has_one_owner_at_a_time",
        says: "have the name",
        file: "crates/genserver-cluster/src/name/lease.rs",
        edits: &[(
            "Answer::Changed(Ok(revision)) => self.confirm(revision, sent),",
            "Answer::Changed(Ok(revision)) => self.confirm(revision, sent.max(now)),",
        )],
    },
    Fault {
        name: "read-believed",
        package: "genserver-cluster",
        scenario: "owners::a_name_has_one_owner_at_a_time",
        says: "have the name",
        file: "crates/genserver-cluster/src/name/lease.rs",
        edits: &[(
            "(owned.last, owned.is_in_doubt, owned.looks) = (revision, false, false);",
            "(owned.last, owned.is_in_doubt, owned.looks, owned.confirmed) = (revision, false, false, now);",
        )],
    },
    Fault {
        name: "answered-unchecked",
        package: "genserver-cluster",
        scenario: "pauses::an_owner_that_stood_still_answers_nobody",
        says: "although a",
        file: "crates/genserver-cluster/src/name/responder.rs",
        edits: &[("if !self.served.may_serve() {", "if false {"), ("if served.may_serve() {", "if true {")],
    },
    Fault {
        name: "unanswered-taken-as-made",
        package: "genserver-cluster",
        scenario: "owners::a_name_has_one_owner_at_a_time",
        says: "",
        file: "crates/genserver-cluster/src/name/lease.rs",
        edits: &[(
            "            Stage::Owned(owned) => owned.is_in_doubt |= may_be_made,\n",
            "            Stage::Owned(owned) if may_be_made => (owned.is_in_doubt, owned.confirmed) = (true, now),\n            Stage::Owned(_) => {}\n",
        )],
    },
    Fault {
        name: "reader-not-fenced",
        package: "genserver-cluster",
        scenario: "events::what_is_published_is_read_in_order_and_nothing_is_lost",
        says: "is lost",
        file: "crates/genserver-cluster/src/events/place.rs",
        edits: &[("if record.claim != self.claim {", "if false {")],
    },
    Fault {
        name: "new-id-for-each-try",
        package: "genserver-cluster",
        scenario: "events::what_is_published_is_read_in_order_and_nothing_is_lost",
        says: "one publish has made two events",
        file: "crates/genserver-cluster/src/events/topic.rs",
        edits: &[(
            "space.engine.add(stream, id, written.clone()).await",
            "space.engine.add(stream, &format!(\"{id}.{:?}\", until - time::now()), written.clone()).await",
        )],
    },
];
