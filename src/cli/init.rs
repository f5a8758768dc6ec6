use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, repository};
use crate::id::{Name, Namespace};
use crate::spec::edit::set_string;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Write a first environment, with comments that explain it
///
/// The cluster of --context is asked who it is, so that another cluster under
/// the same name is noticed later. Without --context the environment is
/// simulated.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment's name: environments/NAME.toml is written
    name: Name,
    /// The kubeconfig context of the on-prem cluster
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// The namespace that the service runs in
    #[arg(long, value_name = "NAMESPACE", default_value = "inference")]
    namespace: Namespace,
}

const TEMPLATE: &str = include_str!("../../templates/init/environment.toml");

/// The template's on-prem side, and the one that stands for it where a cluster
/// is named.
const SIMULATED: &str = "\
provider = \"sim\"                # the embedded simulator; or \"kubernetes\"
";
const CLUSTER: &str = "\
provider    = \"kubernetes\"      # or \"sim\": the embedded simulator
context     = \"\"                # of the kubeconfig
cluster_uid = \"\"                # another cluster under that context is refused
";

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.name.as_str() == repository::BASE {
        let message = format!("`{}` is what environments extend, not one of them", args.name);
        return Err(Failure::usage(message).help("choose another name"));
    }
    let mut sets = vec![
        (["environment", "name"], args.name.to_string()),
        (["service", "namespace"], args.namespace.to_string()),
    ];
    let mut text = TEMPLATE.to_owned();
    if let Some(context) = &args.context {
        text = text.replace(SIMULATED, CLUSTER);
        sets.push((["onprem", "context"], context.clone()));
        sets.push((["onprem", "cluster_uid"], cluster_uid(context, global)?));
    }
    for (key, value) in &sets {
        text = set_string(&text, key, value)
            .map_err(|error| Failure::new(Exit::Failed, format!("the template: {error}")))?;
    }
    let folder = repository::environments_folder();
    let folder = folder.unwrap_or_else(|_| Path::new("environments").to_path_buf());
    let path = folder.join(format!("{}.toml", args.name));
    write_new(&path, &text)?;
    // For the file's first line, by which editors check it.
    let schema = folder.join("schema.json");
    if !schema.exists() {
        write_new(&schema, &super::schema::pretty(&crate::spec::schema()))?;
    }
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(here).unwrap_or(&path);
    let located = repository::locate(&path.to_string_lossy())?;
    located.resolve(terminal)?;
    terminal.print(&format!(
        "Wrote {}. Read it, set the image and the capacities, then:\n  floodway plan {}\n",
        path.display(),
        args.name
    ));
    Ok(Exit::Done)
}

/// Never over a file that is there.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(|error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} exists and is left as it is", path.display()))
                .help("choose another name, or remove the file first")
        }
        _ => Failure::file(path, "cannot be written", &error),
    })
}

#[cfg(feature = "kube")]
fn cluster_uid(context: &str, global: &Global) -> Result<String, Failure> {
    use crate::backend::kube::{Way, connect};
    super::applying::block_on(async {
        let kubeconfig = global.kubeconfig.as_deref();
        let way = Way { context: Some(context), cluster_uid: None, kubeconfig };
        let backend = connect(way).await?;
        Ok(backend.locate.locate().await?.identity)
    })
}

#[cfg(not(feature = "kube"))]
fn cluster_uid(_: &str, _: &Global) -> Result<String, Failure> {
    Err(Failure::new(Exit::Failed, "this Floodway was built without its Kubernetes backend")
        .help("build it with: cargo build --features kube"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Look;
    use crate::spec::{OneFile, resolve};

    /// Ends the test unless `text` is an environment that nothing is wrong with.
    fn right(text: &str) {
        let (resolved, diagnostics) =
            resolve("new.toml", &OneFile("new.toml", text.replace("NAME", "new")));
        assert!(diagnostics.is_empty(), "{}", diagnostics.render(Look::PLAIN));
        assert!(resolved.is_some());
    }

    #[test]
    fn the_template_is_right_with_and_without_what_it_leaves_to_the_reader() {
        right(TEMPLATE);
        let whole: Vec<_> = TEMPLATE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(off) if off.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => off,
                _ => line,
            })
            .collect();
        for table in ["[aws.pools.g6e]", "[burst]", "[signals]", "[rollout.phases.short]"] {
            assert!(whole.contains(&table), "{table}");
        }
        right(&whole.join("\n"));
    }

    #[test]
    fn the_demand_of_the_template_is_what_arrives_as_the_docs_say() {
        let counter = "gateway_requests_total";
        let demand = TEMPLATE.lines().find(|line| line.starts_with("#demand")).unwrap();
        assert!(demand.contains(counter), "{demand}");
        let docs = include_str!("../../docs/signals.md");
        let declared = docs.lines().find(|line| line.starts_with("demand")).unwrap();
        assert!(declared.contains(counter), "{declared}");
    }

    #[test]
    fn a_cluster_takes_the_place_of_the_simulator() {
        assert!(TEMPLATE.contains(SIMULATED));
        let mut text = TEMPLATE.replace(SIMULATED, CLUSTER);
        for key in ["context", "cluster_uid"] {
            text = set_string(&text, &["onprem", key], "x").unwrap();
        }
        assert!(
            text.contains("context     = \"x\"                # of the kubeconfig\n"),
            "{text}"
        );
        right(&text);
    }
}
