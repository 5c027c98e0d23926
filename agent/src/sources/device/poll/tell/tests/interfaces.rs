//! What is told of interfaces and of the line, from one poll to the next.

use proto::metrics;

use super::*;

#[test]
fn a_total_of_32_bits_grows_when_the_counter_wraps_and_the_line_has_its_rate() {
    const WRAP: u64 = 1 << 32;
    let mut device = Device::new();
    let mut wan = port("ppp0");
    wan.wan = true;
    wan.receive_bytes_total = Some(WRAP - 75_000_000);
    let first = device.tells(&interfaces(std::slice::from_ref(&wan)));
    assert_eq!(
        first.all(&metrics::DEVICE_WAN_RATE),
        [],
        "nothing to compare with"
    );
    wan.receive_bytes_total = Some(0);
    let told = device.tells(&interfaces(std::slice::from_ref(&wan)));
    let total = told.value(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, &["ppp0"]);
    assert_eq!(total, Some(number(WRAP)));
    let receive = ["ppp0", "receive"];
    // 75 MB a minute.
    assert_eq!(told.value(&metrics::DEVICE_WAN_RATE, &receive), Some(1e7));
    assert_eq!(told.value(&metrics::DEVICE_WAN_USAGE, &receive), Some(0.1));
    let transmit = ["ppp0", "transmit"];
    assert_eq!(told.value(&metrics::DEVICE_WAN_RATE, &transmit), Some(0.0));
    // A speed that is not the line's: there is no share of it.
    wan.speed_bits_per_second = Some(64_000);
    wan.receive_bytes_total = Some(75_000_000);
    let told = device.tells(&interfaces(std::slice::from_ref(&wan)));
    assert_eq!(told.value(&metrics::DEVICE_WAN_RATE, &receive), Some(1e7));
    assert_eq!(told.value(&metrics::DEVICE_WAN_USAGE, &receive), None);
}

#[test]
fn a_device_that_was_started_again_counts_from_the_beginning() {
    let mut device = Device::new();
    let mut wan = port("ppp0");
    wan.wan = true;
    wan.receive_bytes_total = Some(u64::from(u32::MAX));
    let mut said = interfaces(&[wan]);
    said.uptime_seconds = Some(86_400.0);
    device.tells(&said);
    said.uptime_seconds = Some(20.0);
    said.interfaces[0].receive_bytes_total = Some(77);
    let told = device.tells(&said);
    let total = told.value(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, &["ppp0"]);
    assert_eq!(total, Some(77.0));
    assert_eq!(told.all(&metrics::DEVICE_WAN_RATE), []);
}

#[test]
fn a_clock_that_is_put_right_is_no_restart() {
    let mut device = Device::new();
    let mut said = interfaces(&[port("eth0")]);
    said.uptime_seconds = Some(86_400.0);
    said.interfaces[0].receive_bytes_total = Some(u64::from(u32::MAX));
    device.tells(&said);
    device.moment.unix_seconds += 1e8;
    said.uptime_seconds = Some(86_460.0);
    said.interfaces[0].receive_bytes_total = Some(99);
    let told = device.tells(&said);
    let began = told.value(&metrics::DEVICE_BOOT_TIME, &[]);
    assert_eq!(began, Some(NOON + 1e8 - 86_400.0));
    let total = told.value(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, &["eth0"]);
    assert_eq!(total, Some(number((1 << 32) + 99)));
}

#[test]
fn the_line_and_what_is_used_come_first_and_stay() {
    let mut idle = port("idle");
    idle.up = Some(false);
    let mut loopback = port("lo");
    loopback.if_type = Some(24);
    let mut virtual_ = port("br0");
    virtual_.if_type = Some(209);
    let mut wan = port("wan");
    wan.wan = true;
    let mut said = interfaces(&[loopback, idle, virtual_, port("lan"), wan]);
    let mut device = Device::new();
    let order = |told: &Told| {
        let told = told.all(&metrics::DEVICE_INTERFACE_UP);
        told.iter()
            .map(|(labels, _)| labels[0].to_owned())
            .collect::<Vec<_>>()
    };
    let expected = ["wan", "lan", "br0", "idle", "lo"];
    assert_eq!(order(&device.tells(&said)), expected);
    for interface in &mut said.interfaces {
        interface.up = Some(false);
    }
    assert_eq!(order(&device.tells(&said)), expected);
}

#[test]
fn what_takes_long_once_changes_no_start_and_no_rate() {
    let mut device = Device::new();
    let mut wan = port("ppp0");
    (wan.wan, wan.index) = (true, 3);
    let mut said = interfaces(&[wan]);
    said.uptime_seconds = Some(86_400.0);
    let first = device.moment;
    device.moments.uptime = Some(first.at);
    device.moments.octets.insert(3, first.at);
    let told = device.tells(&said);
    assert_eq!(
        told.value(&metrics::DEVICE_BOOT_TIME, &[]),
        Some(NOON - 86_400.0)
    );
    // Said at its time, and the rest took half a minute.
    device.moment = first;
    device.moment.unix_seconds += 88.0;
    device.moment.at += Duration::from_secs(88);
    device.moments.uptime = Some(first.at + INTERVAL);
    device.moments.octets.insert(3, first.at + INTERVAL);
    said.uptime_seconds = Some(86_460.0);
    said.interfaces[0].receive_bytes_total = Some(75_001_000);
    let told = device.tells(&said);
    assert_eq!(
        told.value(&metrics::DEVICE_BOOT_TIME, &[]),
        Some(NOON - 86_400.0)
    );
    let receive = ["ppp0", "receive"];
    assert_eq!(told.value(&metrics::DEVICE_WAN_RATE, &receive), Some(1e7));
}

#[test]
fn an_interface_that_takes_the_name_of_another_does_not_take_its_count() {
    let mut device = Device::new();
    let [mut first, mut second] = [port("eth0"), port("eth0 (2)")];
    (first.index, second.index) = (1, 2);
    first.receive_bytes_total = Some(u64::from(u32::MAX));
    device.tells(&interfaces(&[first, second.clone()]));
    second.name = "eth0".to_owned();
    second.receive_bytes_total = Some(1_060);
    let told = device.tells(&interfaces(&[second]));
    let total = told.value(&metrics::DEVICE_INTERFACE_RECEIVE_BYTES, &["eth0"]);
    assert_eq!(total, Some(1_060.0), "no wrap that never was");
}

#[test]
fn a_line_that_dials_is_physical_also_when_it_is_down() {
    let mut ppp = port("ppp0");
    (ppp.if_type, ppp.up) = (Some(23), Some(false));
    let mut tunnel = port("tunnel");
    (tunnel.if_type, tunnel.up) = (Some(131), Some(false));
    let told = Device::new().tells(&interfaces(&[tunnel, ppp]));
    let up = told.all(&metrics::DEVICE_INTERFACE_UP);
    assert_eq!(up[0].0, ["ppp0"]);
}
