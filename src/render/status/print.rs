//! What runs now, on a screen.

use super::view::{GroupStatus, PoolStatus, ProblemView, StageStatus, StatusView};
use crate::render::plan::OwnerView;
use crate::render::style::{Ink, Style};
use crate::render::text::{Line, Screen, Table, clock_time, money, rate};
use std::cmp::Ordering;

/// What runs now, as text.
pub fn text(view: &StatusView, style: &Style) -> String {
    let mut screen = Screen::new(style);
    header(&mut screen, view);
    let mut table =
        Table::new(&["POOL", "READY", "PENDING", "NODES", "GPUS USED", "OWNER", ">REQ/S"]);
    for stage in &view.stages {
        table.across(0, stage_line(stage));
        for pool in &stage.pools {
            table.row(row(pool));
            for line in details(pool, &view.as_of) {
                table.across(4, line);
            }
        }
    }
    screen.blank();
    screen.table(&table);
    if let Some(hands) = &view.hands {
        screen.blank();
        for line in hands.lines() {
            screen.hanging(0, 2, &line);
        }
    }
    if let Some(decision) = &view.decision {
        super::decided::print(&mut screen, decision);
    }
    for gap in &view.gaps {
        screen.blank();
        let head = Line::of(Ink::Warn, "not seen: ").ink(Ink::Strong, &gap.what);
        screen.hanging(0, 2, &head.text(format!(" ({}): ", gap.side)).prose(&gap.why));
        if gap.hides_members {
            let text = "nothing is created or destroyed while this cannot be seen";
            screen.hanging(2, 2, &Line::of(Ink::Dim, text));
        }
    }
    for note in &view.notes {
        screen.blank();
        screen.hanging(0, 2, &Line::of(Ink::Warn, "note: ").prose(note));
    }
    screen.blank();
    screen.unwrapped(&Line::of(Ink::Strong, &view.summary));
    screen.finish()
}

fn header(screen: &mut Screen<'_>, view: &StatusView) {
    let phase = view.phase.as_ref().map(|phase| format!(", phase {phase}")).unwrap_or_default();
    let what = format!("  {} serves {} in namespace {}", view.service, view.model, view.namespace);
    let head = Line::of(Ink::Strong, format!("Status of {}", view.environment));
    screen.hanging(0, 2, &head.ink(Ink::Dim, format!("{what}{phase}, as of {}", view.as_of)));
    for place in &view.places {
        let line = Line::of(Ink::Dim, format!("{:<10}  ", place.side)).text(&place.title);
        screen.hanging(2, 2, &line);
    }
}

/// `stage inference: 252 req/s now, 414 at max; 220 req/s declared to carry`.
fn stage_line(stage: &StageStatus) -> Line {
    let now = stage.requests_per_second;
    let line = Line::of(Ink::Dim, "stage ").ink(Ink::Strong, &stage.stage);
    let text =
        format!(": {} req/s now, {} at max", rate(now), rate(stage.requests_per_second_at_max));
    let line = line.ink(Ink::Dim, text);
    match stage.declared_demand {
        None => line,
        Some(demand) if demand <= now => {
            line.ink(Ink::Dim, format!("; carries the {} declared", rate(demand)))
        }
        Some(demand) => line.ink(
            Ink::Fail,
            format!("; {} short of the {} declared", rate(demand - now), rate(demand)),
        ),
    }
}

fn row(pool: &PoolStatus) -> [Line; 7] {
    let ready = match pool.ready.cmp(&pool.desired) {
        _ if !pool.exists => Line::of(Ink::Warn, "not there"),
        Ordering::Less => Line::of(Ink::Fail, format!("{} of {}", pool.ready, pool.desired)),
        Ordering::Equal => Line::of(Ink::Add, format!("{} of {}", pool.ready, pool.desired)),
        Ordering::Greater => {
            Line::of(Ink::Warn, format!("{}, {} asked for", pool.ready, pool.desired))
        }
    };
    let pending = match pool.pending {
        0 => Line::from("–"),
        some => Line::of(Ink::Change, some.to_string()),
    };
    let nodes = match pool.nodes {
        nodes if nodes.ready == nodes.total => Line::from(nodes.total.to_string()),
        nodes => Line::of(Ink::Change, format!("{} of {}", nodes.ready, nodes.total)),
    };
    let gpus = match pool.gpus {
        None => Line::from("–"),
        Some(gpus) => {
            let line = Line::from(format!("{} of {}", gpus.used, gpus.allocatable));
            match gpus.unhealthy {
                0 => line,
                bad => line.ink(Ink::Fail, format!(", {bad} bad")),
            }
        }
    };
    [
        Line::from("  ").ink(Ink::Strong, &pool.pool),
        ready,
        pending,
        nodes,
        gpus,
        Line::from(pool.owner.short()),
        Line::from(rate(pool.requests_per_second)),
    ]
}

fn details(pool: &PoolStatus, as_of: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    if pool.unit == "instances" {
        let bounds = format!("burst: {} of {}–{} instances", pool.desired, pool.min, pool.max);
        let who = match pool.owner {
            OwnerView::Controller => "; raised by the controller when load outgrows on-prem",
            OwnerView::Hpa => "; moved by the HPA",
            OwnerView::Git => "; set by git",
        };
        let price = match pool.usd_per_hour {
            Some(0.0) => String::new(),
            Some(price) => format!("; ${}/h {}", money(price), basis(pool, as_of)),
            None => "; price unknown".to_owned(),
        };
        lines.push(Line::of(Ink::Dim, format!("{bounds}{who}{price}")));
    } else if pool.owner != OwnerView::Git {
        let owner = pool.owner.long();
        let text = format!("{}–{} replicas, moved by {owner}", pool.min, pool.max);
        lines.push(Line::of(Ink::Dim, text));
    }
    if let Some(pods) = pool.pods.filter(|pods| pods.desired > 0) {
        let text = format!("{} of {} pods on them are ready", pods.ready, pods.desired);
        lines.push(Line::of(Ink::Dim, text));
    }
    if let Some(price) = pool.usd_per_hour.filter(|_| pool.unit != "instances") {
        lines.push(Line::of(Ink::Dim, format!("${}/h as declared", money(price))));
    }
    lines.extend(pool.groups.iter().map(|group| group_line(group, as_of)));
    for problem in &pool.problems {
        lines.push(problem_line(problem, &pool.unit));
        let starting = problem.kind == "starting";
        if let Some(help) = problem.help.as_ref().filter(|_| !starting) {
            lines.push(Line::of(Ink::Strong, "  help: ").text(help));
        }
    }
    lines
}

/// At which prices a pool's sum is.
fn basis(pool: &PoolStatus, as_of: &str) -> String {
    let there = pool.groups.iter().filter(|group| group.desired > 0);
    let newest = there.filter_map(|group| Some(group.spot.as_ref()?.at.as_str())).max();
    match newest {
        None => "at on-demand list prices".to_owned(),
        Some(at) => format!("with spot as of {}", clock_time(at, as_of)),
    }
}

fn group_line(group: &GroupStatus, as_of: &str) -> Line {
    let types = group.instance_types.join(" or ");
    let what = format!("{types} {} in {}", group.capacity_type, group.region);
    let state = match &group.name {
        None => "no group yet".to_owned(),
        Some(_) if group.ready > group.desired => {
            format!("{} ready, {} asked for", group.ready, group.desired)
        }
        Some(_) => format!("{} of {} ready", group.ready, group.desired),
    };
    let price = match (&group.spot, group.usd_per_hour_each) {
        (Some(spot), _) => {
            format!(", ${}/h each as of {}", money(spot.usd_per_hour), clock_time(&spot.at, as_of))
        }
        (None, Some(price)) if group.capacity_type == "spot" => {
            format!(", at most ${}/h each", money(price))
        }
        (None, Some(price)) => format!(", ${}/h each", money(price)),
        (None, None) => ", price unknown".to_owned(),
    };
    Line::of(Ink::Dim, format!("{what}: {state}{price}"))
}

fn problem_line(problem: &ProblemView, unit: &str) -> Line {
    let ink = if problem.kind == "starting" { Ink::Change } else { Ink::Fail };
    let unit = if problem.units == 1 { unit.trim_end_matches('s') } else { unit };
    let head = format!("{} {unit}: {}", problem.units, problem.title());
    Line::of(ink, head).text(" (").prose(&problem.message).text(")")
}
