//! The two interleaved sequences of a stream.

/// Which sequence of its stream a message continues. Each has its own previous times and values, so
/// that the gap between now and the backlog is not paid for at every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What was measured just now.
    Live,
    /// What waited for the line.
    Backlog,
}

/// One thing for each lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PerLane<T> {
    live: T,
    backlog: T,
}

impl<T> PerLane<T> {
    pub(super) fn of(&self, lane: Lane) -> &T {
        match lane {
            Lane::Live => &self.live,
            Lane::Backlog => &self.backlog,
        }
    }

    pub(super) fn of_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Backlog => &mut self.backlog,
        }
    }

    /// That of this lane, and that of the other one.
    pub(super) fn apart_mut(&mut self, lane: Lane) -> (&mut T, &mut T) {
        match lane {
            Lane::Live => (&mut self.live, &mut self.backlog),
            Lane::Backlog => (&mut self.backlog, &mut self.live),
        }
    }

    pub(super) fn each_mut(&mut self) -> [&mut T; 2] {
        [&mut self.live, &mut self.backlog]
    }
}
