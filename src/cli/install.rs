use super::exit::{Exit, Failure};
use super::repository::{self, counted};
use super::terminal::Terminal;
use super::weights;
use crate::backend::files::Files;
use crate::desired::{self, Install, Templates};
use crate::id::Namespace;
use crate::pipeline;
use crate::spec::model::OnPremProvider;
use crate::spec::{LoadError, Loaded, Loader};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// What a ConfigMap may hold, with room for its metadata: it is limited to 1 MiB.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/>
const MOST: usize = 1000 * 1024;

/// Print the manifests that run an environment's controller in its cluster
///
/// Two replicas, of which one leads; with a service account that may do what a
/// turn needs and no more. What may be done on AWS, `iam --for run` prints.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A name under environments/, or a path
    env: String,
    /// The image of Floodway to run, best with its digest
    #[arg(long, value_name = "IMAGE", value_parser = image)]
    image: String,
    /// The controller's own namespace, apart from what it moves
    #[arg(long, value_name = "NAME", default_value = "floodway")]
    namespace: Namespace,
    /// The role on AWS, where its OIDC provider knows the cluster
    #[arg(long, value_name = "ARN", value_parser = role)]
    aws_role: Option<String>,
    /// Write access.yaml and controller.yaml into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let located = repository::locate(&args.env)?;
    let read = Read { files: &located.files, seen: Mutex::default() };
    let (resolved, diagnostics) = weights::resolve(&located.path, &read);
    if !diagnostics.is_empty() {
        terminal.diagnose(&diagnostics);
    }
    let Some(resolved) = resolved else {
        let counts = counted(&diagnostics);
        return Err(Failure::new(Exit::Invalid, format!("{} has {counts}", located.path)));
    };
    let environment = &resolved.environment;
    match &environment.onprem {
        Some(onprem) if onprem.provider == OnPremProvider::Kubernetes => {
            if onprem.context.is_some() && onprem.cluster_uid.is_none() {
                let message = "a pod does not know its cluster by the name of a context";
                return Err(Failure::usage(message).help("set onprem.cluster_uid"));
            }
        }
        _ => return Err(Failure::usage("the environment has no cluster to run a controller in")),
    }
    let files = read.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let size: usize =
        files.iter().map(|(path, bytes)| path.len() + desired::mounted_size(bytes)).sum();
    if size > MOST {
        let message = format!("the environment's files have {size} bytes: no ConfigMap holds them");
        return Err(Failure::usage(message));
    }
    if let Some(path) = files.keys().find(|path| !path.contains('/')) {
        let message = format!("{path} lies in no folder of the repository, and cannot be mounted");
        return Err(Failure::usage(message).help("move it into environments/"));
    }
    let install = Install {
        environment,
        mark: &located.mark(&resolved),
        namespace: &args.namespace,
        image: &args.image,
        files: &files,
        aws_role: args.aws_role.as_deref(),
    };
    let templates = Templates::embedded().map_err(pipeline::Error::from)?;
    let manifests = desired::install(&install, &templates).map_err(pipeline::Error::from)?;
    let Some(folder) = &args.out else {
        let texts: Vec<String> = manifests.into_iter().map(|(_, text)| text).collect();
        terminal.print(&texts.join("---\n"));
        return Ok(Exit::Done);
    };
    let cannot = |error| Failure::file(folder, "cannot be written", &error);
    fs::create_dir_all(folder).map_err(cannot)?;
    for (name, text) in manifests {
        let file = folder.join(name);
        fs::write(&file, text)
            .map_err(|error| Failure::file(&file, "cannot be written", &error))?;
        terminal.note(&format!("wrote {}\n", file.display()));
    }
    Ok(Exit::Done)
}

/// Remembers what was read.
struct Read<'a> {
    files: &'a Files,
    seen: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Loader for Read<'_> {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let loaded = self.files.load(path)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(path.to_owned(), loaded.bytes.clone());
        Ok(loaded)
    }

    fn siblings(&self, path: &str) -> Vec<String> {
        self.files.siblings(path)
    }
}

/// The name of an image, which is written into the manifests.
fn image(text: &str) -> Result<String, String> {
    let in_names = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
    if !text.is_empty() && text.len() <= 512 && text.chars().all(in_names) {
        return Ok(text.to_owned());
    }
    Err("it is an image's name: registry.example/floodway@sha256:…".to_owned())
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn role(text: &str) -> Result<String, String> {
    let is_role = text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/");
    let in_arns = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-:/".contains(c);
    if is_role && text.chars().all(in_arns) {
        return Ok(text.to_owned());
    }
    Err("it is a role's ARN: arn:aws:iam::123456789012:role/floodway".to_owned())
}
