//! What scenarios about devices begin with: devices that are to be asked, and machines that ask them.

use std::net::SocketAddr;

use super::agent::Agent;
use super::collector::Collector;

/// Where all of this is.
pub const CENTRE: &str = "cong-son";

impl Collector {
    /// Has a device asked by SNMP that answers this community.
    pub async fn asks(&self, name: &str, kind: &str, at: SocketAddr, community: &str) {
        let (address, port) = (at.ip().to_string(), at.port().to_string());
        let credential = ["--version", "2c", "--port", &port];
        self.credential(name, &credential, community).await;
        let device = ["--address", &address, "--snmp", name];
        self.device(CENTRE, name, kind, &device).await;
    }

    /// An agent that runs, on a machine of this name.
    pub async fn machine(&self, name: &str) -> Agent {
        self.machine_by_way_of(self.agent_address(), name).await
    }

    /// The same, which calls at another address.
    pub async fn machine_by_way_of(&self, address: SocketAddr, name: &str) -> Agent {
        let token = self.token_with(CENTRE, &["--device", name]).await;
        let mut agent = Agent::installed();
        let url = format!("https://{address}");
        agent.enrol_at(&url, &token, &[]).await.succeeded();
        agent.run();
        agent
    }
}
