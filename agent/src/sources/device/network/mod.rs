//! What network equipment says of itself, and printers and UPS of their network cards: interfaces,
//! processors, memory, and which interface leads to the line.

mod interfaces;
mod load;
mod memory;
mod routes;
pub(crate) mod usage;
mod wan;

use proto::plan::Kind;

use super::said::Said;
use super::snmp::{Session, Trouble};

/// Reads it. Needs the kind that is known, or that [`super::system::read`] finds: only a router leads to a
/// line. What takes few requests comes first: of a slow device time may run out among its interfaces.
pub(crate) async fn read(
    session: &mut dyn Session,
    known: Option<Kind>,
    said: &mut Said,
) -> Result<(), Trouble> {
    load::read(session, said).await?;
    memory::read(session, said).await?;
    interfaces::read(session, said).await?;
    // Many boxes of providers do not say what they are.
    match [known, said.kind].contains(&Some(Kind::Router)) {
        true => wan::mark(session, said).await,
        false => Ok(()),
    }
}

/// Notes trouble after which others can still be read, and ends with the rest.
fn go_on(said: &mut Said, unread: &str, trouble: Option<Trouble>) -> Result<(), Trouble> {
    match trouble {
        Some(trouble) if trouble.is_final() => Err(trouble),
        Some(trouble) => {
            said.problems.push(format!("{unread}: {trouble}"));
            Ok(())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;
