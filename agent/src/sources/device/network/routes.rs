//! Where a router sends what it has no other route for, in three generations of the same table.
//!
//! `inetCidrRouteTable` and `ipCidrRouteTable` (RFC 4292), then `ipRouteTable` (RFC 1213). Some agents
//! tell the next hop and 0 for the interface: then it is the interface whose network the next hop is in.
//! Deliberately absent: IPv6, whose default route goes the same way at a centre, and weights of several
//! routes.

use std::net::Ipv4Addr;

use super::super::snmp::{Binding, Oid, Session, Trouble, Value, oid};

/// `ipRouteIfIndex` and `ipRouteNextHop` of 0.0.0.0.
const IP_ROUTE_IF_INDEX: Oid = oid!("1.3.6.1.2.1.4.21.1.2.0.0.0.0");
const IP_ROUTE_NEXT_HOP: Oid = oid!("1.3.6.1.2.1.4.21.1.7.0.0.0.0");

/// `ipCidrRouteIfIndex` of 0.0.0.0 with the mask 0.0.0.0. Its index ends with the next hop.
const IP_CIDR_ROUTE_IF_INDEX: Oid = oid!("1.3.6.1.2.1.4.24.4.1.5.0.0.0.0.0.0.0.0");

/// `inetCidrRouteIfIndex` of 0.0.0.0/0: ipv4(1), four octets, no bit of them. Its index ends with the
/// next hop.
const INET_CIDR_ROUTE_IF_INDEX: Oid = oid!("1.3.6.1.2.1.4.24.7.1.7.1.4.0.0.0.0.0");

const IP_AD_ENT_IF_INDEX: Oid = oid!("1.3.6.1.2.1.4.20.1.2");
const IP_AD_ENT_NET_MASK: Oid = oid!("1.3.6.1.2.1.4.20.1.3");

/// Default routes that are looked at.
const ROUTES: usize = 8;

/// Addresses of its own that are looked at.
const ADDRESSES: usize = 64;

/// The `ifIndex` of each default route.
pub(super) async fn default(session: &mut dyn Session) -> Result<Vec<u64>, Trouble> {
    let mut hops = Vec::new();
    for table in [INET_CIDR_ROUTE_IF_INDEX, IP_CIDR_ROUTE_IF_INDEX] {
        let routes = walk(session, &table, ROUTES).await?;
        let indexes = indexes(&routes);
        if !indexes.is_empty() {
            return Ok(indexes);
        }
        hops.extend(routes.iter().filter_map(|route| address(&route.oid)));
    }
    let told = session.get(&[IP_ROUTE_IF_INDEX, IP_ROUTE_NEXT_HOP]).await?;
    let indexes = indexes(&told);
    if !indexes.is_empty() {
        return Ok(indexes);
    }
    hops.extend(told.iter().filter_map(|told| match told.value {
        Value::Ip(hop) => Some(hop),
        _ => None,
    }));
    hops.retain(|hop| !hop.is_unspecified());
    if hops.is_empty() {
        return Ok(Vec::new());
    }
    towards(session, &hops).await
}

/// The `ifIndex` of the networks that these addresses are in.
async fn towards(session: &mut dyn Session, hops: &[Ipv4Addr]) -> Result<Vec<u64>, Trouble> {
    let own = walk(session, &IP_AD_ENT_IF_INDEX, ADDRESSES).await?;
    let masks = walk(session, &IP_AD_ENT_NET_MASK, ADDRESSES).await?;
    let is_towards = |own: &&Binding| {
        let mask = masks.iter().find_map(|mask| match mask.value {
            Value::Ip(bits) if address(&mask.oid) == address(&own.oid) => Some(bits.to_bits()),
            _ => None,
        });
        let network = |of: Ipv4Addr| mask.map(|mask| of.to_bits() & mask);
        let own = address(&own.oid).and_then(network);
        own.is_some() && hops.iter().any(|hop| network(*hop) == own)
    };
    let interfaces = own.iter().filter(is_towards);
    Ok(interfaces.filter_map(|own| own.value.as_u64()).collect())
}

async fn walk(
    session: &mut dyn Session,
    column: &Oid,
    most: usize,
) -> Result<Vec<Binding>, Trouble> {
    let walked = session.walk(column, most).await;
    match walked.trouble {
        Some(trouble) if trouble.is_final() => Err(trouble),
        // A line that is not recognised is no trouble.
        _ => Ok(walked.rows),
    }
}

fn indexes(routes: &[Binding]) -> Vec<u64> {
    let numbers = routes.iter().filter_map(|route| route.value.as_u64());
    numbers.filter(|index| *index > 0).collect()
}

/// The last four arcs.
fn address(instance: &Oid) -> Option<Ipv4Addr> {
    let octets = instance.arcs().last_chunk::<4>()?;
    let octets = octets.map(|arc| u8::try_from(arc).ok());
    let [Some(a), Some(b), Some(c), Some(d)] = octets else {
        return None;
    };
    Some(Ipv4Addr::new(a, b, c, d))
}
