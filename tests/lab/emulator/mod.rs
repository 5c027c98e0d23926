//! Links that behave as they are told to, between network namespaces: real packets in, real packets out,
//! delayed, lost and doubled in between.
//!
//! [`impairment`]: what is asked for · [`wire`]: one direction as a machine of states, in any time, without
//! a system beneath · [`link`]: two TUN devices and the threads that run two wires between them · [`truth`]:
//! what really happened to the packets, which is what measurements are judged by. The kernel's `netem`
//! would do much of this, and is missing from many kernels; it tells nothing of single packets either.

pub mod impairment;
pub mod link;
pub mod truth;
pub mod wire;

pub use impairment::{GilbertElliott, Impairment};
pub use link::Link;
pub use truth::{Fate, Truth};
