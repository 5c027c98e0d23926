//! What a session shows beside what its readers take from it: trouble that they go on after, and when
//! answers came.
//!
//! Readers fill in what a device says and need not know of either. What goes on while a device is asked
//! (how long it runs, what an interface has carried) is worth little without its moment: asking may take
//! half a minute. In which context a device is asked is here too: what readers ask in one beside the
//! usual one is `usual@other`.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::snmp::{Binding, Oid, Session, Trouble, Walked, oid};

/// `sysUpTime`, and what stands in for it: `snmpEngineTime`, `hrSystemUptime`.
static UPTIMES: [Oid; 3] = [
    oid!("1.3.6.1.2.1.1.3"),
    oid!("1.3.6.1.6.3.10.2.1.3"),
    oid!("1.3.6.1.2.1.25.1.1"),
];

/// `ifHCInOctets`, `ifHCOutOctets`, `ifInOctets`, `ifOutOctets`.
static OCTETS: [Oid; 4] = [
    oid!("1.3.6.1.2.1.31.1.1.1.6"),
    oid!("1.3.6.1.2.1.31.1.1.1.10"),
    oid!("1.3.6.1.2.1.2.2.1.10"),
    oid!("1.3.6.1.2.1.2.2.1.16"),
];

/// A session that is looked on.
pub(super) struct Witness<S> {
    session: S,
    usual: String,
    /// Each once, so a few.
    troubles: Vec<Trouble>,
    pub(super) moments: Moments,
}

/// When a device said what goes on while it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    /// How long it runs.
    pub(crate) uptime: Option<Instant>,
    /// What an interface has carried, by its index.
    pub(crate) octets: BTreeMap<u32, Instant>,
}

impl<S: Session> Witness<S> {
    /// In this context, mostly the empty one.
    pub(super) fn new(mut session: S, usual: &str) -> Self {
        session.in_context(usual);
        Self {
            session,
            usual: usual.to_owned(),
            troubles: Vec::new(),
            moments: Moments::default(),
        }
    }

    fn meet(&mut self, trouble: Option<Trouble>) {
        // In SNMPv1, it is how a device says that it does not have what was asked for.
        let is_absence = |trouble: &Trouble| *trouble == Trouble::Failed("noSuchName");
        let new = trouble.filter(|one| !is_absence(one) && !self.troubles.contains(one));
        self.troubles.extend(new);
    }

    /// Notes when this came.
    fn note(&mut self, told: &[Binding]) {
        let now = Instant::now();
        for one in told {
            let is = |root: &Oid| one.oid.starts_with(root);
            if UPTIMES.iter().any(is) {
                self.moments.uptime.get_or_insert(now);
            }
            let mut columns = OCTETS.iter();
            if let Some([index]) = columns.find_map(|column| one.oid.suffix(column)) {
                self.moments.octets.insert(*index, now);
            }
        }
    }

    /// Whether a problem that a reader noted is trouble that was met: it ends with its words.
    pub(super) fn is_trouble(&self, problem: &str) -> bool {
        let mut troubles = self.troubles.iter();
        troubles.any(|trouble| problem.ends_with(&trouble.to_string()))
    }
}

impl<S: Session> Session for Witness<S> {
    fn get<'a>(&'a mut self, oids: &'a [Oid]) -> BoxFuture<'a, Result<Vec<Binding>, Trouble>> {
        async {
            let told = self.session.get(oids).await;
            match &told {
                Ok(told) => self.note(told),
                Err(trouble) => self.meet(Some(*trouble)),
            }
            told
        }
        .boxed()
    }

    fn walk<'a>(&'a mut self, column: &'a Oid, most: usize) -> BoxFuture<'a, Walked> {
        async move {
            let walked = self.session.walk(column, most).await;
            self.note(&walked.rows);
            self.meet(walked.trouble);
            walked
        }
        .boxed()
    }

    fn walk_all<'a>(&'a mut self, columns: &'a [Oid], most: usize) -> BoxFuture<'a, Vec<Walked>> {
        async move {
            let walked = self.session.walk_all(columns, most).await;
            for one in &walked {
                self.note(&one.rows);
                self.meet(one.trouble);
            }
            walked
        }
        .boxed()
    }

    fn in_context(&mut self, context: &str) {
        match (self.usual.as_str(), context) {
            (usual, "") => self.session.in_context(usual),
            ("", context) => self.session.in_context(context),
            (usual, context) => self.session.in_context(&format!("{usual}@{context}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::time::Duration;

    use super::super::snmp::recorded::Recorded;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_answer_has_its_moment_however_long_the_others_take() {
        let device = "1.3.6.1.2.1.1.3.0|67|4200\n\
                      1.3.6.1.2.1.2.2.1.10.1|65|7\n\
                      1.3.6.1.2.1.31.1.1.1.6.12|70|9\n\
                      1.3.6.1.6.3.10.2.1.3.0|2|42\n";
        let mut session = Witness::new(Recorded::parse(device), "");
        let began = Instant::now();
        let step = Duration::from_secs(7);
        session.get(&[oid!("1.3.6.1.2.1.1.3.0")]).await.unwrap();
        tokio::time::advance(step).await;
        let octets = [
            oid!("1.3.6.1.2.1.2.2.1.10.1"),
            oid!("1.3.6.1.6.3.10.2.1.3.0"),
        ];
        session.get(&octets).await.unwrap();
        tokio::time::advance(step).await;
        session.walk(&oid!("1.3.6.1.2.1.31.1.1.1.6"), 9).await;
        let expected = Moments {
            uptime: Some(began),
            octets: [(1, began + step), (12, began + 2 * step)].into(),
        };
        assert_eq!(session.moments, expected);
    }

    #[tokio::test]
    async fn a_context_beside_a_usual_one_is_within_it() {
        let device = Recorded::parse("1.3.6.1.2.1.1.5.0|4|none\n")
            .with_context("mfp", "1.3.6.1.2.1.1.5.0|4|usual\n")
            .with_context("mfp@Jetdirect", "1.3.6.1.2.1.1.5.0|4|beside\n")
            .with_context("Jetdirect", "1.3.6.1.2.1.1.5.0|4|alone\n");
        for (usual, expected) in [
            ("mfp", ["usual", "beside", "usual"]),
            ("", ["none", "alone", "none"]),
        ] {
            let mut session = Witness::new(device.clone(), usual);
            let mut names = Vec::new();
            for context in [None, Some("Jetdirect"), Some("")] {
                context
                    .iter()
                    .for_each(|context| session.in_context(context));
                let name = session.get(&[oid!("1.3.6.1.2.1.1.5.0")]).await.unwrap();
                names.extend(name.first().and_then(|name| name.value.as_text()));
            }
            assert_eq!(names, expected, "{usual:?}");
        }
    }
}
