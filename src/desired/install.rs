//! What it takes to run an environment's controller in its cluster.

use super::network::{PRIVATE_RANGES, namespace_in, prometheus_namespaces};
use super::{DesiredError, Templates};
use crate::id::Namespace;
use crate::observe::Mark;
use crate::observe::marks::base64url;
use crate::spec::Environment;
use crate::spec::model::{Egress, Join};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Where the controller answers.
const PORT: u16 = 9469;
/// Where API servers and AWS answer.
const SERVERS: [u16; 2] = [443, 6443];

/// How the controller is to run.
#[derive(Debug, Clone)]
pub struct Install<'a> {
    /// Whose.
    pub environment: &'a Environment,
    /// Its marks.
    pub mark: &'a Mark,
    /// The controller's own namespace.
    pub namespace: &'a Namespace,
    /// The image to run.
    pub image: &'a str,
    /// Every file of the environment, by its path in the repository.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The role on AWS that the controller gets by its service account's token.
    pub aws_role: Option<&'a str>,
}

/// The manifests, as YAML: file names and texts, in the order to apply them in.
///
/// # Errors
/// A template that is wrong.
pub fn install(
    install: &Install<'_>,
    templates: &Templates,
) -> Result<Vec<(&'static str, String)>, DesiredError> {
    let view = View::of(install);
    ["access.yaml", "controller.yaml"]
        .into_iter()
        .map(|file| Ok((file, templates.text(&format!("templates/install/{file}"), &view)?)))
        .collect()
}

/// What the templates see.
#[derive(Debug, Serialize)]
struct View {
    name: String,
    namespace: String,
    labels: BTreeMap<&'static str, String>,
    selector: BTreeMap<&'static str, String>,
    environment: String,
    service_namespace: String,
    parent: String,
    lease: String,
    /// Instances that join the cluster are drained by it.
    drains: bool,
    image: String,
    path: String,
    repository: String,
    aws_role: Option<String>,
    port: u16,
    files: Vec<FileView>,
    /// Whether one of them is no text.
    binary: bool,
    folders: Vec<Folder>,
    prometheus_namespaces: Vec<String>,
    ranges: Vec<Range>,
    open_ports: BTreeSet<u16>,
    agents: Option<Agents>,
}

/// A file, and its key in the ConfigMap.
#[derive(Debug, Clone, Serialize)]
struct FileView {
    key: String,
    /// In its folder.
    path: String,
    /// What it holds, if that is text.
    text: Option<String>,
    /// Else what it holds, in base64.
    binary: Option<String>,
}

/// Files that are mounted together.
#[derive(Debug, Serialize)]
struct Folder {
    volume: String,
    path: String,
    files: Vec<FileView>,
}

#[derive(Debug, Serialize)]
struct Range {
    cidr: &'static str,
    except: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Agents {
    ranges: &'static [&'static str],
    ports: BTreeSet<u16>,
}

impl View {
    fn of(install: &Install<'_>) -> Self {
        let (environment, mark) = (install.environment, install.mark);
        let parent = mark.parent_name();
        let name = format!("{parent}-run");
        let selector = BTreeMap::from([
            ("app.kubernetes.io/name", "floodway".to_owned()),
            ("app.kubernetes.io/instance", name.clone()),
        ]);
        // Not the marks of what an environment owns: `apply` must not know these.
        let mut labels = selector.clone();
        labels.insert("app.kubernetes.io/component", "controller".to_owned());
        let service_namespace = environment.service.namespace.to_string();
        let pools = environment.aws.iter().flat_map(|aws| aws.pools.values());
        let folders = folders(install.files);
        Self {
            lease: format!("{parent}.{service_namespace}.run"),
            name,
            namespace: install.namespace.to_string(),
            labels,
            selector,
            environment: mark.environment.clone(),
            service_namespace,
            parent,
            drains: pools.clone().any(|pool| pool.join == Join::Kubernetes),
            image: install.image.to_owned(),
            path: mark.file.clone(),
            repository: mark.repository.clone(),
            aws_role: install.aws_role.map(str::to_owned),
            port: PORT,
            binary: install.files.values().any(|bytes| str::from_utf8(bytes).is_err()),
            files: folders.iter().flat_map(|folder| folder.files.clone()).collect(),
            folders,
            prometheus_namespaces: prometheus_namespaces(environment),
            ranges: ["0.0.0.0/0", "::/0"].map(range).into(),
            open_ports: SERVERS.into_iter().chain(outside_ports(environment)).collect(),
            agents: agents(environment),
        }
    }
}

/// Everywhere, but where clouds hand out a node's credentials.
fn range(cidr: &'static str) -> Range {
    let except = Egress { cidr: cidr.to_owned(), port: 443 }.except();
    Range { cidr, except }
}

/// The ports of Prometheus servers outside the cluster.
fn outside_ports(environment: &Environment) -> impl Iterator<Item = u16> {
    let urls = environment.signals.iter().flat_map(|signals| &signals.prometheus);
    urls.filter(|url| namespace_in(url).is_none()).map(|url| {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let host = rest.split('/').next().unwrap_or_default();
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        port.unwrap_or(if scheme == "https" { 443 } else { 80 })
    })
}

/// Where agents of instances that stand alone answer; none: there are none.
fn agents(environment: &Environment) -> Option<Agents> {
    let pools = environment.aws.iter().flat_map(|aws| aws.pools.values().map(move |p| (aws, p)));
    let alone = pools.filter(|(_, pool)| pool.join == Join::Standalone);
    let ports: BTreeSet<u16> = alone.map(|(aws, pool)| aws.agent_port(pool)).collect();
    (!ports.is_empty()).then_some(Agents { ranges: &PRIVATE_RANGES, ports })
}

/// The files by the folder at the repository's root that they lie in: each is
/// mounted by itself, for what lies beside them is written.
fn folders(files: &BTreeMap<String, Vec<u8>>) -> Vec<Folder> {
    let mut folders: BTreeMap<&str, Vec<FileView>> = BTreeMap::new();
    for (index, (path, bytes)) in files.iter().enumerate() {
        let (folder, path) = path.split_once('/').unwrap_or(("", path));
        let readable = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = path.chars().map(readable).take(200).collect();
        let key = format!("{index}-{name}");
        let text = str::from_utf8(bytes).ok().map(str::to_owned);
        let binary = text.is_none().then(|| base64(bytes));
        let file = FileView { key, path: path.to_owned(), text, binary };
        folders.entry(folder).or_default().push(file);
    }
    let folder = |(index, (path, files)): (usize, (&str, Vec<FileView>))| Folder {
        volume: format!("files-{index}"),
        path: path.to_owned(),
        files,
    };
    folders.into_iter().enumerate().map(folder).collect()
}

/// How many bytes of a ConfigMap a file of these bytes takes.
pub fn mounted_size(bytes: &[u8]) -> usize {
    if str::from_utf8(bytes).is_ok() { bytes.len() } else { bytes.len().div_ceil(3) * 4 }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = base64url(bytes).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[cfg(test)]
mod tests;
