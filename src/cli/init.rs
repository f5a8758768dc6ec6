use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::{Global, repository};
use crate::id::Name;
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
    namespace: Name,
}

const TEMPLATE: &str = include_str!("../../templates/init/environment.toml");

pub(super) fn run(args: &Args, global: &Global, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut sets = vec![
        (["environment", "name"], args.name.to_string()),
        (["service", "namespace"], args.namespace.to_string()),
    ];
    if let Some(context) = &args.context {
        sets.push((["onprem", "provider"], "kubernetes".to_owned()));
        sets.push((["onprem", "context"], context.clone()));
        sets.push((["onprem", "cluster_uid"], cluster_uid(context, global)?));
    }
    let mut text = TEMPLATE.to_owned();
    for (key, value) in &sets {
        text = set_string(&text, key, value)
            .map_err(|error| Failure::new(Exit::Failed, format!("the template: {error}")))?;
    }
    let path = Path::new("environments").join(format!("{}.toml", args.name));
    write_new(&path, &text)?;
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
    super::applying::block_on(async {
        let kubeconfig = global.kubeconfig.as_deref();
        let backend = crate::backend::kube::connect(Some(context), kubeconfig).await?;
        Ok(backend.locate.locate().await?.identity)
    })
}

#[cfg(not(feature = "kube"))]
fn cluster_uid(_: &str, _: &Global) -> Result<String, Failure> {
    Err(Failure::new(Exit::Failed, "this Floodway was built without its Kubernetes backend")
        .help("build it with: cargo build --features kube"))
}
