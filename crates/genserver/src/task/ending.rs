//! Ending a task from outside, and letting it go.

use std::future::poll_fn;
use std::time::Duration;

use super::join::Patience;
use super::{Task, TaskState};
use crate::supervisor::Shutdown;
use crate::{KILL_GRACE, Reason};

impl<T: Send + 'static> Task<T> {
    /// Ends the task, and waits until it has ended: OTP's `Task.shutdown`.
    ///
    /// The link is removed first, so the spawner gets no exit from this. A task that does not trap exits ends at its
    /// next await; one that does finds an [`Exit`](crate::Exit) in its mailbox.
    ///
    /// Returns the result if there was one after all, and `None` if the task ended as ordered. Otherwise it returns the
    /// reason: [`Reason::Killed`] if the task was ordered to stop and had to be killed, [`Reason::NoProc`] if its result was
    /// taken before. A task that never awaits cannot be killed. This waits for it for another second, and then treats it as
    /// killed.
    ///
    /// # Panics
    ///
    /// As [`join`](Task::join).
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it completes, the task keeps its order to stop, but will not be killed.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use genserver::task::{Shutdown, Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let endless = Task::spawn(std::future::pending::<()>());
    /// assert_eq!(endless.shutdown(Shutdown::After(Duration::from_secs(5))).await, None);
    ///
    /// let known = Task::completed(7);
    /// assert_eq!(known.shutdown(Shutdown::BrutalKill).await, Some(Ok(7)));
    /// # }
    /// ```
    pub async fn shutdown(mut self, how: Shutdown) -> Option<Result<T, Reason>> {
        poll_fn(crate::poll_alive).await;
        match self.order(how) {
            Some(result) => Some(result),
            None => self.bury(how).await,
        }
    }

    /// Lets the task go: it runs on without a link, and its result is dropped. OTP's `Task.ignore`.
    ///
    /// Returns the result, or the reason of an end without one, if it is there already.
    pub fn ignore(mut self) -> Option<Result<T, Reason>> {
        self.let_go()
    }

    pub(super) fn let_go(&mut self) -> Option<Result<T, Reason>> {
        let result = self.take_result();
        if let TaskState::Running(running) = &mut self.state {
            running.unlink();
            self.state = TaskState::Over;
        }
        result
    }

    /// Orders it to end; returns the result if there is one already.
    pub(super) fn order(&mut self, how: Shutdown) -> Option<Result<T, Reason>> {
        let result = self.take_result();
        if let TaskState::Running(running) = &mut self.state {
            running.unlink();
            match how {
                Shutdown::BrutalKill => running.kill(),
                Shutdown::After(_) | Shutdown::Infinity => running.exit(Reason::Shutdown),
            }
        }
        result
    }

    /// Waits until a task that was ordered to end has ended.
    pub(super) async fn bury(&mut self, how: Shutdown) -> Option<Result<T, Reason>> {
        let (expected, within) = match how {
            Shutdown::BrutalKill => (Reason::Killed, Some(KILL_GRACE)),
            Shutdown::After(within) => (Reason::Shutdown, Some(within)),
            Shutdown::Infinity => (Reason::Shutdown, None),
        };
        let mut result = self.wait(within).await;
        if result.is_none() && how != Shutdown::BrutalKill {
            if let TaskState::Running(running) = &self.state {
                running.kill();
            }
            result = self.wait(Some(KILL_GRACE)).await.or(Some(Err(Reason::Killed)));
        }
        // A task that cannot be killed counts as ended, too.
        self.state = TaskState::Over;
        result.filter(|result| !matches!(result, Err(reason) if *reason == expected))
    }

    /// Waits for the result.
    pub(super) async fn wait(&mut self, within: Option<Duration>) -> Option<Result<T, Reason>> {
        let mut patience = Patience::new(within);
        poll_fn(|cx| self.poll_within(&mut patience, cx)).await
    }
}

impl<T> Task<T> {
    /// Kills the task without waiting, because its result will never be asked for.
    pub(super) fn abandon(&mut self) {
        if let TaskState::Running(running) = &mut self.state {
            running.unlink();
            running.kill();
        }
    }
}
