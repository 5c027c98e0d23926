//! Writes the dashboards, rules and provisioning files to a folder of the operator's choice.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser as _;

/// Write Grafana's dashboards and Prometheus' rules.
#[derive(Debug, clap::Parser)]
struct Arguments {
    /// Folder to write to; made when it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let Arguments { out } = Arguments::parse();
    for file in dawnwatch_dashboards::files() {
        let path = out.join(file.path);
        let folder = path.parent().unwrap_or(&out);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(&path, file.content)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
