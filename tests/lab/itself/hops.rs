//! Packets go the way of the picture.

use crate::network::PORTALS;
use crate::{Lab, needs};

#[test]
fn a_portal_is_reached() {
    let lab = needs!(Lab::new());
    let mut ping = lab.command_on_pc(1, "ping");
    ping.args(["-c", "3", "-i", "0.1", "-W", "1", &PORTALS[0].to_string()]);
    let output = ping.output().unwrap();
    eprintln!("{output:?}");
    assert!(output.status.success());
    eprintln!(
        "{:?} {:?}",
        lab.echoes_to(PORTALS[0]),
        lab.line().truth_up()
    );
}
