//! `centre import`, `centre list`.

use std::path::PathBuf;

use clap::Subcommand;
use dawnwatch_collector::centres;
use dawnwatch_collector::config::Config;
use dawnwatch_collector::registry::{Centre, Imported};

use super::{output, registry};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add or change centres from a CSV file; none is ever deleted
    ///
    /// Columns: id,name,area,isp,latitude,longitude,hours,days,notes. Only id and name are required.
    /// hours are such as "07:30-11:30 13:30-17:00", days such as "mon-fri". A file with a mistake
    /// changes nothing.
    Import {
        /// With a header in its first line
        #[arg(value_name = "FILE.csv")]
        file: PathBuf,
    },
    /// List the centres
    List,
}

impl Command {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let registry = registry(config)?;
        match self {
            Self::Import { file } => {
                let centres = centres::read(&file)?;
                output::print(&summary(&registry.import_centres(centres).await?))
            }
            Self::List => output::print(&list(&registry.centres().await?)),
        }
    }
}

fn summary(imported: &Imported) -> String {
    let mut lines = Vec::new();
    lines.extend(imported.added.iter().map(|id| format!("added {id}")));
    lines.extend(imported.changed.iter().map(|id| format!("changed {id}")));
    lines.push(format!(
        "{} added, {} changed, {} unchanged",
        imported.added.len(),
        imported.changed.len(),
        imported.unchanged.len()
    ));
    lines.join("\n")
}

fn list(centres: &[Centre]) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let row = |centre: &Centre| {
        [
            centre.id.to_string(),
            centre.name.clone(),
            or_none(centre.area.clone()),
            or_none(centre.isp.clone()),
            or_none(centre.hours.as_ref().map(ToString::to_string)),
        ]
    };
    let header = ["ID", "NAME", "AREA", "ISP", "OPEN"];
    output::table(header, centres.iter().map(row).collect())
}
