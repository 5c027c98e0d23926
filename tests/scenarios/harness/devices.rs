//! Printers, routers and UPS as an operator makes them known to a collector.

use super::collector::Collector;

impl Collector {
    /// Keeps how to ask devices by SNMP: `credential set NAME --version 2c …`, with the secrets, one a line,
    /// in a file.
    pub async fn credential(&self, name: &str, arguments: &[&str], secrets: &str) {
        let file = self.folder().write(&format!("{name}.secrets"), secrets);
        let file = file.to_str().expect("temporary folders have plain names");
        let set = ["credential", "set", name, "--from", file];
        self.command(&[&set, arguments].concat()).await.succeeded();
    }

    /// Has a device asked: `device add --centre … --name … --kind … --address …`, and how.
    pub async fn device(&self, centre: &str, name: &str, kind: &str, arguments: &[&str]) {
        let add = ["device", "add", "--centre", centre, "--name", name];
        let arguments = [&add, &["--kind", kind] as &[&str], arguments].concat();
        self.command(&arguments).await.succeeded();
    }
}
