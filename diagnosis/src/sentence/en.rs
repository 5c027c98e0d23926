//! English.

use super::{Unit, listed, milliseconds, percent, span};
use crate::Fault;
use crate::evidence::Medium;
use crate::spot::{Case, Reason, Weakness};

pub(super) fn fault(fault: Fault) -> &'static str {
    match fault {
        Fault::PcLinkDown => "this PC's network connection is down",
        Fault::PcWifiLossy => "bad Wi-Fi",
        Fault::PcOverloaded => "this PC is overloaded",
        Fault::PcNicErrors => "a bad cable or network card",
        Fault::PcBlocked => "this PC itself blocks the way to the services",
        Fault::PcClockWrong => "a wrong clock",
        Fault::LanDown => "the network inside the centre is down",
        Fault::LanPartial => "part of the network inside the centre is cut off",
        Fault::LanLossy => "the network inside the centre loses data",
        Fault::GatewayDown => "the router is down",
        Fault::GatewayOverloaded => "the router is overloaded",
        Fault::LineDown => "the Internet line is down",
        Fault::LineLossy => "the Internet line loses data",
        Fault::LineSaturated => "the Internet line is full",
        Fault::LineSlow => "the Internet line is slow",
        Fault::LineDegrading => "the Internet line is getting worse",
        Fault::IspAreaDown => "the ISP is down in this area",
        Fault::IspDown => "the ISP's network is down",
        Fault::IspDegraded => "the ISP's network is slow or loses data",
        Fault::CollectorDown => "the monitoring server is down",
        Fault::CollectorPathDown => "the way to the monitoring server is broken",
        Fault::DnsDown => "name resolution (DNS) fails",
        Fault::DnsIspDown => "the ISP's name resolution (DNS) fails",
        Fault::ServiceDown => "a service is down",
        Fault::ServiceSlow => "a service is slow",
        Fault::ServiceError => "a service answers with errors",
        Fault::CertificateExpired => "a service's certificate has expired",
        Fault::RouteBlocked => "something on the way blocks the traffic",
        Fault::MtuBlackhole => "large packets vanish on the way",
        Fault::CaptivePortal => "a login page is in the way",
        Fault::PowerOutage => "there is no electricity",
        Fault::PrinterFault => "a printer cannot print",
        Fault::Unknown => "unknown",
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn sentence(case: &Case) -> String {
    match case {
        Case::Well { but } if but.is_empty() => {
            "All is well: from this PC to the portals everything answers.".into()
        }
        Case::Well { but } => format!("All is well; but {}.", listed(but, weakness)),
        Case::NoCard => "This PC has no network card that is switched on.".into(),
        Case::NoLink {
            medium: Some(Medium::Wifi),
        } => "This PC is not connected to the Wi-Fi.".into(),
        Case::NoLink { .. } => "The network cable of this PC is unplugged, or dead at the other end.".into(),
        Case::WifiLossy { loss } => {
            format!("The Wi-Fi of this PC is bad: {} of the packets to the router are lost.", percent(*loss))
        }
        Case::CardErrors { loss } => format!(
            "The network cable or card of this PC is damaged: {} of the packets are lost.",
            percent(*loss)
        ),
        Case::ClockWrong { ahead: None } => {
            "The clock of this PC is wrong, so that secure websites refuse it.".into()
        }
        Case::ClockWrong { ahead: Some(ahead) } => {
            let (number, unit) = span(ahead.abs());
            let direction = if *ahead > 0.0 { "fast" } else { "slow" };
            format!("The clock of this PC is wrong: about {number} {} {direction}.", word(unit))
        }
        Case::Overloaded => "This PC is overloaded and has no time left for its programs.".into(),
        Case::NoAddress => {
            "This PC is connected but knows no way out: the router has given it no network address, or its address is set wrongly.".into()
        }
        Case::LanSilent => {
            "Neither the router nor any other device of the centre answers: the network inside the centre is down.".into()
        }
        Case::LanLossy { loss } => format!(
            "The network inside the centre is bad: {} of the packets to the router are lost.",
            percent(*loss)
        ),
        Case::GatewaySilent => "The router does not answer.".into(),
        Case::GatewaySlow { rtt } => {
            format!("The router answers very late ({} ms).", milliseconds(*rtt))
        }
        Case::Captive => "A login page answers in place of the websites.".into(),
        Case::LineSilent { router: true } => {
            "The router works, but the Internet line is dead.".into()
        }
        Case::LineSilent { router: false } => {
            "Nothing outside the centre answers: the Internet line is dead.".into()
        }
        Case::LineLossy { loss } => format!(
            "The Internet line is bad: {} of the packets are lost between the router and the ISP.",
            percent(*loss)
        ),
        Case::LineFull { rtt } => format!(
            "The Internet line is full: everything waits {} ms.",
            milliseconds(*rtt)
        ),
        Case::LineSlow { rtt } => {
            format!("The Internet line is slow: an answer takes {} ms.", milliseconds(*rtt))
        }
        Case::IspSilent => {
            "The line works as far as the ISP, but nothing answers beyond: the fault is the ISP's.".into()
        }
        Case::IspLossy { loss } => format!(
            "The line is good, but {} of the packets are lost inside the ISP's network.",
            percent(*loss)
        ),
        Case::IspSlow { rtt } => format!(
            "The line is good, but the ISP's network is slow: an answer takes {} ms.",
            milliseconds(*rtt)
        ),
        Case::LargePacketsVanish => {
            "Small packets get through, large ones vanish on the way: pages start and never finish.".into()
        }
        Case::DnsSilent => {
            "The Internet works, but names are not resolved (DNS): no website is found.".into()
        }
        Case::NoResolver => {
            "The Internet works, but this PC does not know whom to ask for names (no DNS server is set).".into()
        }
        Case::DnsLies { resolver } => {
            format!("The DNS server {resolver} answers wrongly: it sends people to the wrong addresses.")
        }
        Case::Blocked => {
            "The Internet works, but something on the way blocks the services.".into()
        }
        Case::ServiceDown { service } => {
            format!("The network works; the service {service} does not answer.")
        }
        Case::ServiceUnnamed { service } => format!(
            "The network works; the name of the service {service} is not known to the DNS server."
        ),
        Case::ServiceSlow { service, took } => format!(
            "The network works; the service {service} is slow: it takes {:.1} s.",
            took.as_secs_f64()
        ),
        Case::ServiceError {
            service,
            status: Some(status),
        } => format!("The network works; the service {service} answers with error {status}."),
        Case::ServiceError { service, .. } => {
            format!("The network works; the service {service} does not answer as it should.")
        }
        Case::CertificateExpired { service } => {
            format!("The network works; the security certificate of the service {service} has expired.")
        }
        Case::CertificateBad { service } => format!(
            "The network works; the security certificate of the service {service} cannot be trusted."
        ),
        Case::CollectorSilent => {
            "Network and services work; only the monitoring server does not answer.".into()
        }
        Case::Unsure { likelier, other } => format!(
            "Not certain. Either: {}. Or: {}.",
            likelier.fault().map_or("unknown", fault),
            fault(*other)
        ),
        Case::TooLittle => "Too little could be measured to say what is wrong.".into(),
    }
}

pub(super) fn action(case: &Case) -> &'static str {
    match case {
        Case::Well { but } if but.is_empty() => "Nothing needs to be done.",
        Case::Well { .. } => "People can be served. Tell the technician when there is time.",
        Case::NoCard => {
            "Switch on the network card or Wi-Fi of this PC; if that does not help, call the technician."
        }
        Case::NoLink {
            medium: Some(Medium::Wifi),
        } => "Switch on the Wi-Fi and connect to the centre's network.",
        Case::NoLink { .. } => {
            "Push in the network cable at the PC and at the switch; try another cable and another socket of the switch."
        }
        Case::WifiLossy { .. } => "Move closer to the Wi-Fi device, or connect the PC by cable.",
        Case::CardErrors { .. } => {
            "Replace the network cable; if that does not help, call the technician to look at the card."
        }
        Case::ClockWrong { .. } => {
            "Set date and time right. If they are wrong again after the PC was off, have the technician replace the battery on its board."
        }
        Case::Overloaded => {
            "Close programs that are not needed or restart the PC; if it is often so, tell the technician."
        }
        Case::NoAddress => {
            "Restart the router, wait 3 minutes and check again; if that does not help, call the technician."
        }
        Case::LanSilent => {
            "Look whether switch and router have power and their lights blink; switch them off and on again. If that does not help, call the technician."
        }
        Case::LanLossy { .. } => {
            "Push in the cables at switch and router and try other sockets; if that does not help, call the technician."
        }
        Case::GatewaySilent => {
            "Look whether the router has power, switch it off, wait 10 seconds, switch it on and wait 3 minutes; if that does not help, call the technician."
        }
        Case::GatewaySlow { .. } => {
            "Switch the router off and on again; if it is often so, tell the technician."
        }
        Case::Captive => {
            "Open a browser, log in on the page that appears, and check again. If nobody knows the login, call whoever runs this network."
        }
        Case::LineSilent { .. } => {
            "Look at the fibre light (PON/LOS) of the router, switch it off and on again; if the line stays dead after 3 minutes, call the ISP."
        }
        Case::LineLossy { .. } => "Call the ISP and tell them the loss; have them test the line.",
        Case::LineFull { .. } => {
            "Find out who is downloading or updating now and pause it; if nobody is, call the ISP."
        }
        Case::LineSlow { .. } => {
            "Switch the router off and on again; if it stays slow, call the ISP."
        }
        Case::IspSilent | Case::IspLossy { .. } | Case::IspSlow { .. } => {
            "Nothing can be done in the centre: call the ISP."
        }
        Case::LargePacketsVanish => {
            "Call the technician: the MTU of the router's line has to be lowered (for example to 1400), or the ISP has to repair it."
        }
        Case::DnsSilent => {
            "Switch the router off and on again; if that does not help, have the technician set another DNS server, and tell the ISP."
        }
        Case::NoResolver => "Have the technician set a DNS server on this PC.",
        Case::DnsLies { .. } => {
            "Enter no passwords. Have the technician set the right DNS server on the PC and the router."
        }
        Case::Blocked => "Call the technician: a firewall, a proxy or the ISP blocks the services.",
        Case::ServiceDown { .. }
        | Case::ServiceUnnamed { .. }
        | Case::ServiceSlow { .. }
        | Case::ServiceError { .. }
        | Case::CertificateExpired { .. } => {
            "Nothing can be done in the centre: tell those who run the service, and serve people with what works."
        }
        Case::CertificateBad { .. } => {
            "Enter no passwords there. Tell those who run the service, and the technician."
        }
        Case::CollectorSilent => "People can be served. Tell the technician.",
        Case::Unsure { likelier, .. } => action(likelier),
        Case::TooLittle => "Check again in a minute; if it stays so, call the technician.",
    }
}

pub(super) fn reason(reason: &Reason) -> String {
    match reason {
        Reason::CardHasLink => "the network card has a link".into(),
        Reason::CardHasNoLink => "the network card has no link".into(),
        Reason::NeighboursAnswer => "other devices of the centre answer".into(),
        Reason::NeighboursThere => {
            "other devices of the centre are there, although they answer no pings".into()
        }
        Reason::NeighboursGone => "other devices of the centre are gone too".into(),
        Reason::NeighboursSilent => "other devices of the centre do not answer either".into(),
        Reason::NoWayOut => "this PC knows no way out".into(),
        Reason::GatewayAnswers => "the router answers".into(),
        Reason::GatewayIsThere => "the router is there, although it answers no pings".into(),
        Reason::GatewaySilent => "the router does not answer".into(),
        Reason::HopAnswers { hop } => format!("router {hop} beyond that of the centre answers"),
        Reason::NothingBehindAnswers { sent } => {
            format!("none of {sent} attempts to get further was answered")
        }
        Reason::FarAnswers => "addresses far away answer".into(),
        Reason::Loss { target, lost, sent } => format!("{target} lost {lost} of {sent} packets"),
        Reason::Clean { target, sent } => format!("{target} answers {sent} packets well"),
        Reason::Late { target, rtt } => {
            format!("{target} takes {} ms to answer", milliseconds(*rtt))
        }
        Reason::DamagedFrames { frames } => format!("the card received {frames} damaged packets"),
        Reason::ClockWitnesses { witnesses: 1 } => "one server tells another time".into(),
        Reason::ClockWitnesses { witnesses } => format!("{witnesses} servers tell another time"),
        Reason::CertificatesRefused { services } => {
            format!("certificates refused: {services}")
        }
        Reason::Busy { cpu, lag } => format!(
            "the processor is {} busy, programs wait {} ms",
            percent(*cpu),
            milliseconds(*lag)
        ),
        Reason::ResolversFail { resolvers } => format!("DNS servers that fail: {resolvers}"),
        Reason::OtherResolverAnswers { resolver } => {
            format!("the DNS server {resolver}, which this PC does not use, answers")
        }
        Reason::LargePacketsLost { target } => format!("large packets to {target} vanish"),
        Reason::LoginPage { service } => format!("a foreign page answered in place of {service}"),
        Reason::ServiceFails { service } => format!("{service} fails or is slow"),
        Reason::OthersWork { services } => format!("services that work: {services}"),
        Reason::AllServicesFail { services } => format!("services that do not answer: {services}"),
    }
}

fn weakness(weakness: &Weakness) -> String {
    match weakness {
        Weakness::ClockOff { ahead } => {
            let (number, unit) = span(ahead.abs());
            let direction = if *ahead > 0.0 { "fast" } else { "slow" };
            format!(
                "the clock of this PC is {number} {} {direction}",
                word(unit)
            )
        }
        Weakness::ResolverFails { resolver } => {
            format!("the DNS server {resolver} fails, and another one helps out")
        }
        Weakness::LargePackets { target } => format!("large packets to {target} get lost"),
    }
}

fn word(unit: Unit) -> &'static str {
    match unit {
        Unit::Second => "seconds",
        Unit::Minute => "minutes",
        Unit::Hour => "hours",
        Unit::Day => "days",
        Unit::Year => "years",
    }
}
