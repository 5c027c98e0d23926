//! Real packets on emulated links: a centre, its line, its provider and the portals, in this machine.
//!
//! ```text
//!  pc-1 ─┐            gateway            isp-1              isp-2             world
//!  .11   ├─ switch ─── .1 ════ line ════ ═════ isp ════════ ══════ core ═════ portals, 1.1.1.1, 8.8.8.8,
//!  pc-2 ─┘  (bridge)   captive portal    │                  resolver          a collector
//!  .12                                   └─ detour ─────────────────────────── (no emulated link)
//!
//!  cables (veth)  192.168.1.0/24   gateway .1, pc-1 .11, pc-2 .12; devices eth0, eth0, lan0
//!  line  (═)      100.64.0.0/30    gateway .2, isp-1 .1
//!  isp   (═)      203.0.113.0/30   isp-1 .1, isp-2 .2
//!  core  (═)      198.51.100.0/30  isp-2 .1, world .2
//!  detour         203.0.113.4/30   isp-1 .5, detour .6; then 198.51.100.4/30, detour .5, world .6
//!  resolvers      203.0.113.53     at isp-2, in the PCs' resolv.conf; 1.1.1.1 and 8.8.8.8 in the world
//!  portals        192.0.2.10       dichvucong.gov.vn; .11 xacthuc.dichvucong.gov.vn; .12 vneid.gov.vn
//!  collector      192.0.2.80       an address of the world, for whoever listens there
//! ```
//!
//! A trace from a PC shows 192.168.1.1, 100.64.0.1, 203.0.113.2 and the target. Each box is a network
//! namespace; the kernels route, answer echoes and report errors themselves. Each ═ is two TUN devices
//! and our [`emulator`] between them, which delays, loses, queues and doubles as it is told, while
//! running, and keeps the truth that measurements are judged by. Nothing leaves the machine.
//!
//! A scenario reads so:
//!
//! ```text
//! let lab = needs!(Lab::new());
//! lab.line().both(Impairment::none().delay(ms(40)).loss(0.05));
//! lab.portal().shows(Certificate::Expired);
//! lab.resolver().lies(Ipv4Addr::new(192, 0, 2, 66));
//! let _there = lab.in_the_world();
//! let collector = Collector::with_centres(ONE_CENTRE).listening_on(COLLECTOR.into()).start().await;
//! let agent = Agent::installed_within(&lab.on_pc(1));
//! …
//! let truth = lab.line().truth_up();
//! ```
//!
//! The lab is in [`lab`] (what can be done to it), [`network`] (how it is wired) and [`servers`] (who answers);
//! [`itself`] shows that it does what it says. An agent there that reports: [`centre`], and [`watch`] for
//! changes that are to be seen soon. The scenarios:
//!
//! * [`accuracy`]: figures beside the emulator's truth and `ping`'s · [`disturbance`]: probes leave each other alone
//! * [`path`]: routers, ways and where an impairment begins · [`outcomes`]: each ill has its word
//! * [`absent`]: without rights, cable, card or way out · [`bad_input`]: hostile names and servers, and a [`forger`]
//! * [`check`]: the verdict on the spot · [`verdict`]: one alert for each cause, in centres side by side
//!
//! It needs root, or a user namespace of one's own as `test.sh` makes one, and `/dev/net/tun`; else its tests
//! say "skipped, because". Deliberately absent: IPv6, Wi-Fi, address translation at the gateway.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests"
)]

mod absent;
mod accuracy;
mod bad_input;
mod centre;
mod check;
mod disturbance;
mod emulator;
mod forger;
mod harness;
mod itself;
mod lab;
mod network;
mod outcomes;
mod path;
mod servers;
mod verdict;
mod watch;

pub use lab::{Lab, ms};
