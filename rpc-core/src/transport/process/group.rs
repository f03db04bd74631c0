//! The process group of a child: the child, and what it has started in turn.
//!
//! `npx server` and `sh -c server` are two processes and more. A signal for the child alone would leave the server.

#[cfg(not(unix))]
pub(super) use self::none::Group;
#[cfg(unix)]
pub(super) use self::unix::Group;

#[cfg(unix)]
mod unix {
    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    use tokio::process::{Child, Command};

    /// A group that a child leads.
    #[derive(Debug)]
    pub(in super::super) struct Group {
        /// `None` after the group has ended: from then on the number may be another one's.
        id: Option<Pid>,
    }

    impl Group {
        /// Has the child lead a group of its own.
        pub(in super::super) fn prepare(command: &mut Command) {
            command.process_group(0);
        }

        /// Returns the group of a child that was just started.
        pub(in super::super) fn of(child: &Child) -> Self {
            let id = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
            Self { id }
        }

        /// Returns whether no process of the group is left. A child that was not waited for is left.
        pub(in super::super) fn has_ended(&mut self) -> bool {
            self.tell(test_kill_process_group);
            self.id.is_none()
        }

        /// Asks all processes of the group to end.
        pub(in super::super) fn terminate(&mut self) {
            self.tell(|id| kill_process_group(id, Signal::TERM));
        }

        /// Ends all processes of the group.
        pub(in super::super) fn kill(&mut self) {
            self.tell(|id| kill_process_group(id, Signal::KILL));
        }

        fn tell(&mut self, tell: impl FnOnce(Pid) -> rustix::io::Result<()>) {
            // Any other error, such as that of a process of another user, comes of a process that is there.
            if self.id.is_some_and(|id| tell(id) == Err(Errno::SRCH)) {
                self.id = None;
            }
        }
    }
}

#[cfg(not(unix))]
mod none {
    use tokio::process::{Child, Command};

    /// Without groups the child alone is ended, by tokio.
    #[derive(Debug)]
    pub(in super::super) struct Group;

    impl Group {
        pub(in super::super) fn prepare(_: &mut Command) {}

        pub(in super::super) fn of(_: &Child) -> Self {
            Self
        }

        pub(in super::super) fn has_ended(&mut self) -> bool {
            true
        }

        pub(in super::super) fn terminate(&mut self) {}

        pub(in super::super) fn kill(&mut self) {}
    }
}
