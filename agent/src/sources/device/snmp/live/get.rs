//! GET: many instances, in requests small enough for any device, and smaller where one chokes.

use std::collections::HashMap;

use async_snmp::ErrorStatus;

use super::super::convert::{Refusal, binding};
use super::super::wire::Wire;
use super::super::{Binding, Oid, Trouble, Value};
use super::{Live, Request};

/// Asked for at once: an answer of texts is then still of one packet.
pub(super) const OIDS: usize = 16;

impl<W: Wire> Live<W> {
    pub(super) async fn get_all(&mut self, oids: &[Oid]) -> Result<Vec<Binding>, Trouble> {
        let mut found = HashMap::new();
        let mut waiting: Vec<Vec<async_snmp::Oid>> = oids
            .chunks(OIDS)
            .rev()
            .map(|chunk| chunk.iter().map(async_snmp::Oid::from).collect())
            .collect();
        let mut failed = None;
        while let Some(asked) = waiting.pop() {
            let refused = match self.get_some(&asked, &mut found).await {
                Ok(()) => continue,
                Err(refused) => refused,
            };
            if let Some(trouble) = self.gone {
                return Err(trouble);
            }
            if refused != Refusal::Status(ErrorStatus::NoSuchName, 1) {
                failed = failed.or(Some(refused.trouble()));
            }
            waiting.extend(without_culprit(asked, refused));
        }
        match failed {
            Some(trouble) if found.is_empty() => Err(trouble),
            _ => Ok(oids
                .iter()
                .filter_map(|oid| take(&mut found, oid))
                .collect()),
        }
    }

    async fn get_some(
        &mut self,
        asked: &[async_snmp::Oid],
        found: &mut HashMap<Oid, Value>,
    ) -> Result<(), Refusal> {
        let told = self.exchange(Request::Get(asked)).await?;
        self.count(told.len())?;
        // Some devices answer something else beside it, or instead.
        let told = told.into_iter().filter(|told| asked.contains(&told.oid));
        let told = told.filter_map(binding);
        found.extend(told.map(|told| (told.oid, told.value)));
        Ok(())
    }
}

fn take(found: &mut HashMap<Oid, Value>, oid: &Oid) -> Option<Binding> {
    let (oid, value) = found.remove_entry(oid)?;
    Some(Binding { oid, value })
}

/// What to ask for instead, last first: all but the one the device complained of, or each half; of one
/// alone, nothing.
fn without_culprit(
    mut asked: Vec<async_snmp::Oid>,
    refused: Refusal,
) -> impl Iterator<Item = Vec<async_snmp::Oid>> {
    let culprit = match refused {
        Refusal::Status(ErrorStatus::TooBig, _) | Refusal::Trouble(_) => None,
        Refusal::Status(_, number) => usize::try_from(number).ok(),
    };
    let culprit = culprit.and_then(|number| number.checked_sub(1));
    let parts = match culprit.filter(|place| *place < asked.len()) {
        Some(place) => {
            asked.remove(place);
            [Vec::new(), asked]
        }
        None if asked.len() > 1 => {
            let second = asked.split_off(asked.len() / 2);
            [second, asked]
        }
        None => [Vec::new(), Vec::new()],
    };
    parts.into_iter().filter(|part| !part.is_empty())
}
