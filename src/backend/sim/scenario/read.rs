//! From a scenario file to a scenario, with everything that is wrong with it.

use super::super::nodes::{MOST_NODES, nodes_for};
use super::{Actor, Delay, Fault, FaultKind, NodeSet, Scenario};
use crate::diag::{Diagnostic, Diagnostics, nearest};
use crate::plan::resource_named;
use crate::spec::{Catalog, Environment};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

impl Scenario {
    /// Reads a scenario file for worlds of `environment`; `file` is its name in
    /// what is said about it.
    ///
    /// # Errors
    /// What is wrong, with its place: in form the first, in meaning all.
    pub fn read(file: &str, text: &str, environment: &Environment) -> Result<Self, Diagnostics> {
        let file: Arc<str> = file.into();
        let mut found = Diagnostics::default();
        found.sources.insert(Arc::clone(&file), text.into());
        let parsed = toml::from_str::<Self>(text).and_then(|it| Ok((it, DeTable::parse(text)?)));
        let (mut scenario, tree) = match parsed {
            Ok((scenario, tree)) => (scenario, tree.into_inner()),
            Err(error) => {
                let span = error.span().unwrap_or_default();
                found.push(Diagnostic::error(error.message()).at(&file, span, ""));
                return Err(found);
            }
        };
        let mut check = Check { file, tree: &tree, found };
        check.whole(&scenario, environment);
        if check.found.has_errors() {
            return Err(check.found);
        }
        scenario.events.sort_by_key(|event| event.at);
        Ok(scenario)
    }
}

struct Check<'a> {
    file: Arc<str>,
    tree: &'a DeTable<'a>,
    found: Diagnostics,
}

impl Check<'_> {
    fn whole(&mut self, scenario: &Scenario, environment: &Environment) {
        self.delay("launch", scenario.launch);
        self.delay("start", scenario.start);
        self.nodes(&scenario.nodes);
        self.capacity(scenario, environment);
        for (index, fault) in scenario.faults.iter().enumerate() {
            self.fault(&format!("faults.{index}"), fault);
        }
        self.load(scenario, environment);
        let of_environment;
        let nodes = if scenario.nodes.is_empty() {
            of_environment = nodes_for(environment);
            &of_environment
        } else {
            &scenario.nodes
        };
        for (index, event) in scenario.events.iter().enumerate() {
            self.event(&format!("events.{index}"), &event.what, nodes);
        }
    }

    fn delay(&mut self, at: &str, delay: Delay) {
        if delay.p95 < delay.median {
            let message = format!("p95 ({}) is below the median ({})", delay.p95, delay.median);
            self.wrong(&format!("{at}.p95"), message, "19 of 20 take no longer than p95");
        }
    }

    fn nodes(&mut self, sets: &[NodeSet]) {
        let mut names = BTreeSet::new();
        let mut count: u64 = 0;
        for (index, set) in sets.iter().enumerate() {
            if !names.insert(&set.name) {
                let message = format!("a second set of nodes is called `{}`", set.name);
                self.wrong(
                    &format!("nodes.{index}.name"),
                    message,
                    "their nodes would be the same",
                );
            }
            let before = count;
            count += u64::from(set.count);
            if count > MOST_NODES as u64 && before <= MOST_NODES as u64 {
                let message = format!("{count} nodes; a simulated world holds {MOST_NODES}");
                self.wrong(&format!("nodes.{index}.count"), message, "");
            }
        }
    }

    fn capacity(&mut self, scenario: &Scenario, environment: &Environment) {
        let catalog = Catalog::shipped();
        let pools = environment.aws.iter().flat_map(|aws| aws.pools.values());
        let mut known: BTreeSet<&str> =
            pools.flat_map(|pool| pool.instance_types.iter().map(String::as_str)).collect();
        known.extend(catalog.names());
        let limits = scenario.capacity.iter().map(|limit| &limit.instance_type);
        let limits = limits.enumerate().map(|(index, name)| (format!("capacity.{index}"), name));
        let offers = scenario.spot.iter().map(|offer| &offer.instance_type);
        let offers = offers.enumerate().map(|(index, name)| (format!("spot.{index}"), name));
        let reserved = scenario.reservations.iter().map(|told| &told.instance_type);
        let reserved =
            reserved.enumerate().map(|(index, name)| (format!("reservations.{index}"), name));
        let changed = scenario.events.iter().enumerate().filter_map(|(index, event)| {
            let Actor::Capacity(change) = &event.what else { return None };
            Some((format!("events.{index}.capacity"), &change.instance_type))
        });
        let named = limits.chain(offers).chain(reserved).chain(changed);
        for (at, name) in named.filter(|(_, name)| !known.contains(name.as_str())) {
            let message = format!("`{name}` is no known instance type");
            let help = meant(name, known.iter().copied());
            self.wrong(&format!("{at}.instance_type"), message, &help);
        }
        for (index, offer) in scenario.spot.iter().enumerate() {
            if !offer.zone.ends_with(|c: char| c.is_ascii_lowercase()) {
                let message = format!("`{}` is no zone", offer.zone);
                self.wrong(&format!("spot.{index}.zone"), message, "write it like \"us-east-1b\"");
            }
        }
    }

    fn load(&mut self, scenario: &Scenario, environment: &Environment) {
        let stages = &environment.service.stages;
        for (index, point) in scenario.load.iter().enumerate() {
            if !stages.contains_key(point.stage.as_str()) {
                let message = format!("there is no stage `{}`", point.stage);
                let help = meant(&point.stage, stages.keys().map(|name| name.as_str()));
                self.wrong(&format!("load.{index}.stage"), message, &help);
            }
        }
    }

    fn fault(&mut self, at: &str, fault: &Fault) {
        let Some(list) = &fault.list else { return };
        if list != "Node" {
            self.kind(&format!("{at}.list"), list);
        }
        if !matches!(fault.kind, FaultKind::Throttled | FaultKind::Denied) {
            let help = "a list can be `throttled` or `denied`";
            self.wrong(&format!("{at}.kind"), "a list does not fail like this", help);
        }
        if !fault.name.is_empty() {
            let help = "leave `name` out: a list is of all things of its kind";
            self.wrong(&format!("{at}.name"), "a list is not of one thing", help);
        }
    }

    fn event(&mut self, at: &str, what: &Actor, nodes: &[NodeSet]) {
        match what {
            Actor::Set(set) => {
                self.kind(&format!("{at}.set.kind"), &set.kind);
                self.pointer(&format!("{at}.set.path"), &set.path);
            }
            Actor::Unset(unset) => {
                self.kind(&format!("{at}.unset.kind"), &unset.kind);
                self.pointer(&format!("{at}.unset.path"), &unset.path);
            }
            Actor::Delete(delete) => self.kind(&format!("{at}.delete.kind"), &delete.kind),
            Actor::Create(create) => {
                self.kind(&format!("{at}.create.kind"), &create.kind);
                let found = resource_named(&format!("{}/x", create.kind), "x");
                let scoped = found.is_none_or(|id| id.scope.is_some());
                if scoped && create.namespace.is_empty() {
                    let message = format!("a {} without its `namespace`", create.kind);
                    self.wrong(&format!("{at}.create"), message, "of a group it is the region");
                }
                if !create.content.is_null() && !create.content.is_object() {
                    self.wrong(&format!("{at}.create.content"), "content that is no table", "");
                }
            }
            Actor::NodeNotReady(node) => self.node(&format!("{at}.node_not_ready"), node, nodes),
            Actor::NodeReady(node) => self.node(&format!("{at}.node_ready"), node, nodes),
            Actor::GpusUnhealthy(gpus) => {
                self.node(&format!("{at}.gpus_unhealthy.node"), &gpus.node, nodes);
            }
            // Its type is checked with those of all limits.
            Actor::Capacity(_) | Actor::SpotNotice(_) => {}
            Actor::Fault(fault) => self.fault(&format!("{at}.fault"), fault),
        }
    }

    fn pointer(&mut self, at: &str, path: &str) {
        if !path.starts_with('/') {
            let help = format!("write it `/{}`", path.replace('.', "/"));
            self.wrong(at, format!("`{path}` is no JSON pointer"), &help);
        }
    }

    fn kind(&mut self, at: &str, kind: &str) {
        let found = resource_named(&format!("{kind}/x"), "x");
        if kind != "AutoScalingGroup" && found.is_none_or(|id| id.kind != kind) {
            let message = format!("`{kind}` is no kind that an environment owns");
            self.wrong(at, message, "write it like `Deployment`, `Service`, `AutoScalingGroup`");
        }
    }

    fn node(&mut self, at: &str, name: &str, sets: &[NodeSet]) {
        // Instances get their names when they start.
        let of_set = |set: &NodeSet| {
            let index = name.strip_prefix(&set.name)?.strip_prefix('-')?.parse::<u32>().ok()?;
            Some(index < set.count)
        };
        if !name.starts_with("i-") && !sets.iter().any(|set| of_set(set) == Some(true)) {
            let listed: Vec<String> = sets
                .iter()
                .map(|s| format!("{0}-0 … {0}-{1}", s.name, s.count.max(1) - 1))
                .collect();
            let help = format!("there are: {}", listed.join(", "));
            self.wrong(at, format!("there is no node `{name}`"), &help);
        }
    }

    fn wrong(&mut self, at: &str, message: impl Into<String>, help: &str) {
        let span = span(self.tree, at);
        self.found.push(Diagnostic::error(message).at(&self.file, span, "").help(help));
    }
}

fn meant<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(written, known).map(|near| format!("did you mean `{near}`?")).unwrap_or_default()
}

/// Where the value at a dotted path stands, or the nearest one around it.
fn span(tree: &DeTable<'_>, path: &str) -> Range<usize> {
    let mut parts = path.split('.');
    let first = parts.next().and_then(|key| tree.get(key));
    let mut found = first;
    for part in parts {
        let inner = match found.map(|value| value.get_ref()) {
            Some(DeValue::Table(table)) => table.get(part),
            Some(DeValue::Array(list)) => part.parse().ok().and_then(|at: usize| list.get(at)),
            _ => None,
        };
        let Some(inner) = inner else { break };
        found = Some(inner);
    }
    found.map(|value| value.span()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::fixture;

    fn read(text: &str) -> Result<Scenario, Diagnostics> {
        Scenario::read("s.toml", text, &fixture::environment())
    }

    #[test]
    fn the_example_of_the_documentation_is_a_scenario() {
        let module = include_str!("../scenario.rs");
        let example: String = module
            .lines()
            .skip_while(|line| *line != "//! ```toml")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| line.trim_start_matches("//!").trim_start().to_owned() + "\n")
            .collect();
        let scenario = read(&example).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert_eq!((scenario.events.len(), scenario.nodes[0].gpus), (8, 8));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let set = "kind = \"Deployment\", name = \"d\", value = 1, by = \"x\"";
        for (text, line, said) in [
            ("seed = 1\nlanch = 3\n", 2, "lanch"),
            ("[launch]\nmedian = \"3m\"\np95 = \"1m\"\n", 3, "below the median"),
            ("[[nodes]]\nname = \"a\"\n[[nodes]]\nname = \"a\"\n", 4, "second set"),
            ("[[nodes]]\ncount = 3000000\n", 2, "3000000 nodes"),
            (
                "[[capacity]]\ninstance_type = \"p5.48xlarg\"\ninstances = 1\n",
                2,
                "no known instance type",
            ),
            (
                "[[capacity]]\ninstance_type = \"p5.48xlarge\"\ncapacity_type = \"sppot\"\n\
                 instances = 1\n",
                3,
                "sppot",
            ),
            (
                "[[spot]]\ninstance_type = \"g6e.12xlarge\"\nusd_per_hour = \"$4/h\"\n\
                 zone = \"us-east-1\"\n",
                4,
                "no zone",
            ),
            (
                "[[events]]\nat = \"1m\"\ncapacity = { instance_type = \"p5.48xlarg\" }\n",
                3,
                "no known instance type",
            ),
            (
                "[[events]]\nat = \"1m\"\nfault = { kind = \"rejected\", list = \"Node\", \
                 calls = 1 }\n",
                3,
                "like this",
            ),
            ("[[events]]\nat = \"1m\"\nnode_not_ready = \"nowhere-3\"\n", 3, "no node"),
            ("seed = 1\n[[events]]\nat = \"1m\"\nexplode = 1\n", 4, "explode"),
            ("seed = 1\n[[events]]\nat = \"1m\"\n", 2, "without anything that happens"),
            (
                &format!("[[events]]\nat = \"1m\"\nset = {{ path = \"spec/replicas\", {set} }}\n"),
                3,
                "JSON pointer",
            ),
            (
                &format!("[[events]]\nat = \"1m\"\nset = {{ path = \"/a\", to = 1, {set} }}\n"),
                3,
                "unknown field `to`",
            ),
            (
                "[[events]]\nat = \"1m\"\ndelete = { kind = \"Deploymnt\", name = \"d\" }\n",
                3,
                "no kind",
            ),
            ("[[faults]]\nkind = \"rejected\"\nlist = \"Service\"\ncalls = 1\n", 2, "like this"),
        ] {
            let wrong = read(text).unwrap_err();
            let first = wrong.iter().next().unwrap();
            assert!(first.message.contains(said), "{said}: {}", first.message);
            let label = &first.labels[0];
            let place = wrong.sources.place(&label.file, label.span.start);
            assert_eq!(place.line, line, "{said}: {label:?}");
        }
    }

    #[test]
    fn all_that_is_wrong_in_meaning_is_said_at_once() {
        let wrong = read(
            "start = { median = \"2m\", p95 = \"1m\" }\n[[events]]\nat = \"1m\"\nnode_ready = \"x\"\n",
        )
        .unwrap_err();
        assert_eq!(wrong.iter().count(), 2);
    }
}
