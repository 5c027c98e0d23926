//! A real collector with its own registry, on ports the system chose.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::binaries;
use super::process::{Finished, Folder, Process, run};
use super::scrape::{Page, fetch};
use super::wait::eventually;

const START: Duration = Duration::from_secs(20);

/// One centre, for scenarios that need no more.
pub const ONE_CENTRE: &str = "id,name,area,isp\ncong-son,Công Sơn,Cao Lộc,VNPT\n";

/// A collector that is not started yet.
#[derive(Debug)]
pub struct Setup {
    centres: String,
    /// Its settings; the ports the system chose replace those asked for.
    page: SocketAddr,
    agents: SocketAddr,
    settings: String,
    /// Of certificates.
    lifetime: &'static str,
}

/// A collector, initialised, with centres; running unless it was killed.
#[derive(Debug)]
pub struct Collector {
    process: Option<Process>,
    setup: Setup,
    folder: Folder,
}

impl Collector {
    /// One that knows these centres; a CSV as an operator writes it.
    pub fn with_centres(centres: &str) -> Setup {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Setup {
            centres: centres.to_owned(),
            page: any_port,
            agents: any_port,
            settings: String::new(),
            lifetime: "90d",
        }
    }

    /// One with [`ONE_CENTRE`].
    pub async fn started() -> Self {
        Self::with_centres(ONE_CENTRE).start().await
    }

    /// Runs one of its commands: `collector.command(&["agent", "list"])`.
    pub async fn command(&self, arguments: &[&str]) -> Finished {
        let name = arguments.first().copied().unwrap_or("command");
        let mut command = binaries::collector();
        command.args(arguments).arg("--config").arg(self.settings());
        run(name, &mut command, &self.folder).await
    }

    /// A new token for a centre.
    pub async fn token(&self, centre: &str) -> String {
        self.token_with(centre, &[]).await
    }

    /// A new token, with more arguments.
    pub async fn token_with(&self, centre: &str, arguments: &[&str]) -> String {
        let arguments = [&["token", "create", "--centre", centre], arguments].concat();
        let printed = self.command(&arguments).await.succeeded();
        let token = printed
            .split_whitespace()
            .find(|word| word.starts_with("dw1-"));
        token
            .unwrap_or_else(|| panic!("no token in {printed}"))
            .to_owned()
    }

    /// Revokes the one agent of a centre.
    pub async fn revoke_agent_of(&self, centre: &str) {
        let list = self.command(&["agent", "list"]).await.succeeded();
        let mut rows = list.lines().filter(|line| line.contains(centre));
        let (Some(row), None) = (rows.next(), rows.next()) else {
            panic!("not one agent of {centre}: {list}");
        };
        let id = row.split_whitespace().next().unwrap_or_default();
        self.command(&["agent", "revoke", id]).await.succeeded();
    }

    /// `/metrics`, as it is now.
    pub async fn metrics(&self) -> Result<Page, String> {
        Page::parse(&self.page("/metrics").await?)
    }

    /// Any page as text.
    pub async fn page(&self, path: &str) -> Result<String, String> {
        fetch(&format!("http://{}{path}", self.setup.page)).await
    }

    /// Any answer of the API.
    pub async fn api(&self, path: &str) -> Result<Value, String> {
        let text = self.page(path).await?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// Where `/metrics` is, as Prometheus names a target.
    pub fn http_address(&self) -> SocketAddr {
        self.setup.page
    }

    /// Where agents call.
    pub fn agent_address(&self) -> SocketAddr {
        self.setup.agents
    }

    /// The process, while it runs.
    #[allow(dead_code, reason = "benches use it")]
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the collector runs")
    }

    /// Where its files are.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to end.
    pub async fn stop(&mut self) -> Finished {
        let process = self.process.take().expect("the collector runs");
        process.terminate().await
    }

    /// Starts it again: same folder, same ports.
    pub async fn restart(&mut self) {
        self.process = None;
        self.write_settings();
        self.serve().await;
    }

    async fn serve(&mut self) {
        let mut command = binaries::collector();
        command.arg("serve").arg("--config").arg(self.settings());
        let mut process = Process::start("serve", &mut command, &self.folder);
        self.setup.page = announced(&mut process, "http://").await;
        self.setup.agents = announced(&mut process, "https://").await;
        self.process = Some(process);
        eventually("the collector is ready", START, async || {
            self.page("/readyz").await
        })
        .await;
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("collector.toml")
    }

    fn write_settings(&self) {
        let Setup {
            page,
            agents,
            settings,
            lifetime,
            ..
        } = &self.setup;
        let data = self.folder.path().join("data");
        let name = agents.ip();
        let settings = quiet(settings);
        let text = format!(
            "data = {data:?}\n\
             [http]\nlisten = \"{page}\"\n\
             [grpc]\nlisten = \"{agents}\"\nnames = [\"{name}\"]\ncertificate_lifetime = \"{lifetime}\"\n\
             {settings}"
        );
        self.folder.write("collector.toml", text);
    }
}

impl Setup {
    /// Agents call at this address, rather than at the loopback.
    pub fn listening_on(mut self, address: std::net::IpAddr) -> Self {
        self.agents.set_ip(address);
        self
    }

    /// More settings, as TOML tables.
    pub fn with_settings(mut self, settings: &str) -> Self {
        self.settings.push_str(settings);
        self
    }

    /// Agents measure and report every second.
    pub fn in_a_hurry(self) -> Self {
        self.with_settings(
            "[plan]\nhost_interval = \"1s\"\nlink_interval = \"1s\"\nreport_interval = \"1s\"\n",
        )
    }

    /// Certificates last no longer than this.
    pub fn with_certificates_for(mut self, lifetime: &'static str) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Initialises the collector, imports its centres and serves.
    pub async fn start(self) -> Collector {
        let mut collector = Collector {
            folder: Folder::new("collector"),
            process: None,
            setup: self,
        };
        collector.write_settings();
        collector.command(&["init"]).await.succeeded();
        let csv = collector
            .folder
            .write("centres.csv", &collector.setup.centres);
        let csv = csv.to_str().expect("temporary folders have plain names");
        collector
            .command(&["centre", "import", csv])
            .await
            .succeeded();
        collector.serve().await;
        collector
    }
}

/// The same settings, by which agents leave public addresses alone, and transfer nothing unless they are
/// told how often.
fn quiet(settings: &str) -> String {
    let transfers = match settings.contains("throughput_interval") {
        true => "",
        false => "throughput_bytes = 0\n",
    };
    let plan = format!("[plan]\nusual = false\n{transfers}");
    match settings.split_once("[plan]\n") {
        Some((before, after)) => format!("{before}{plan}{after}"),
        None => format!("{settings}\n{plan}"),
    }
}

/// The address in the line that a program prints about it.
pub async fn announced(process: &mut Process, scheme: &str) -> SocketAddr {
    let line = process.line(scheme, START).await;
    let line = line.unwrap_or_else(|error| panic!("{error}"));
    let (_, address) = line.split_once(scheme).unwrap_or_default();
    let end = address.find(|c: char| !c.is_ascii_hexdigit() && !"[].:".contains(c));
    let address = address
        .get(..end.unwrap_or(address.len()))
        .unwrap_or_default();
    address
        .parse()
        .unwrap_or_else(|error| panic!("{line}: {error}"))
}
