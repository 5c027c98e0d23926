//! Walking a column: GETBULK where there is one, fewer rows at once where a device chokes, GETNEXT at
//! last, and an end in any case.

use async_snmp::{ErrorStatus, Value as Told, VarBind};

use super::super::convert::{Refusal, binding};
use super::super::wire::Wire;
use super::super::{Oid, Trouble, Walked};
use super::{Live, Request};

/// Rows asked for at once, to begin with: of texts, an answer is then of few packets.
pub(super) const REPETITIONS: u32 = 20;

/// Where a walk is.
pub(super) enum Step {
    On,
    End,
}

impl<W: Wire> Live<W> {
    pub(super) async fn walk_column(&mut self, column: &Oid, most: usize) -> Walked {
        let mut walked = Walked::default();
        let mut last = async_snmp::Oid::from(column);
        let root = last.clone();
        loop {
            let request = match self.repetitions {
                1 => Request::Next(&last),
                repetitions => Request::Bulk(std::slice::from_ref(&last), repetitions),
            };
            let told = match self.exchange(request).await {
                // RFC 1157: this is how a walk ends in SNMPv1.
                Err(Refusal::Status(ErrorStatus::NoSuchName, _)) => return walked,
                Err(refused) => match self.with_fewer(refused.trouble()) {
                    Some(trouble) => return walked.ended(trouble),
                    None => continue,
                },
                Ok(told) if told.is_empty() => match self.with_fewer(Trouble::Unreadable) {
                    Some(trouble) => return walked.ended(trouble),
                    None => continue,
                },
                Ok(told) => told,
            };
            if let Err(trouble) = self.count(told.len()) {
                return walked.ended(trouble);
            }
            for told in told {
                match walked.take(told, &root, &mut last, most) {
                    Ok(Step::On) => {}
                    Ok(Step::End) => return walked,
                    Err(trouble) => return walked.ended(trouble),
                }
            }
        }
    }

    /// From now on asks for fewer rows at once; where that is not possible, or of no use, the trouble
    /// stays.
    pub(super) fn with_fewer(&mut self, trouble: Trouble) -> Option<Trouble> {
        let can_help = self.gone.is_none() && self.repetitions > 1;
        if can_help {
            // Silence costs the whole patience each time.
            self.repetitions = if !self.heard {
                1
            } else {
                (self.repetitions / 4).max(1)
            };
        }
        (!can_help).then_some(trouble)
    }
}

impl Walked {
    fn ended(mut self, trouble: Trouble) -> Self {
        self.trouble = Some(trouble);
        self
    }

    pub(super) fn take(
        &mut self,
        told: VarBind,
        root: &async_snmp::Oid,
        last: &mut async_snmp::Oid,
        most: usize,
    ) -> Result<Step, Trouble> {
        if told.value == Told::EndOfMibView || !told.oid.starts_with(root) {
            return Ok(Step::End);
        }
        if told.oid <= *last {
            return Err(Trouble::Loop);
        }
        if self.rows.len() == most {
            return Err(Trouble::TooMany);
        }
        *last = told.oid.clone();
        self.rows.extend(binding(told));
        Ok(Step::On)
    }
}
