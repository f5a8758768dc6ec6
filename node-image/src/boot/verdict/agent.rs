//! What the agent must have done.

use super::super::imds::{self, LIFECYCLE_STATE, SPOT_NOTICE, USER_DATA};
use super::{Evidence, Verdict};
use serde_json::Value;

/// Why an agent is not ready where everything but its engine is: there is no GPU.
const ENGINE: &str = "the engine is not ready";

pub(super) fn agent(e: &Evidence<'_>) -> Option<Verdict> {
    let agent = &e.facts.agent;
    let given = e.imds.given(imds::INSTANCE_ID);
    Some(agent.status.clone().and_then(|status| {
        let (is, state) = (status["instance"].as_str(), status["state"].as_str());
        let mut said = format!("{} {}", is.unwrap_or_default(), state.unwrap_or_default());
        if is != given.as_deref() || state != Some("serving") {
            return Err(format!("{said}, and not {given:?} serving"));
        }
        let ready = match status["unready_why"].as_str() {
            Some(ENGINE) => {
                said += ", and its engine is not ready, as there is no GPU";
                503
            }
            _ => 200,
        };
        for (path, code, right) in
            [("/livez", &agent.livez, 200), ("/readyz", &agent.readyz, ready)]
        {
            match code {
                Ok(code) if *code == right => {}
                Ok(code) => return Err(format!("{said}; {path} answers {code}")),
                Err(why) => return Err(why.clone()),
            }
        }
        Ok(said)
    }))
}

/// Whether it is to ask its engine what is in flight, and cannot: then it may have
/// something, and waits for it when it is told to end.
pub(super) fn waits_for_engine(e: &Evidence<'_>) -> bool {
    let status = e.facts.agent.status.as_ref();
    status.is_ok_and(|status| status["engine"]["load_known"].as_bool() == Some(false))
}

/// Whether it read all that AWS announces, and what it was started for.
pub(super) fn notices(e: &Evidence<'_>) -> Option<Verdict> {
    let status = e.facts.agent.status.as_ref().ok()?;
    let given = |path| e.imds.given(path);
    let lifecycle = (given(LIFECYCLE_STATE), text(&status["lifecycle_state"]));
    let notice = given(SPOT_NOTICE)
        .and_then(|notice| text(&serde_json::from_str::<Value>(&notice).ok()?["time"]));
    let notice = (notice, text(&status["notice"]));
    let user_data = given(USER_DATA).is_some_and(|data| data.contains("\nfloodway:"));
    let section = !status["identity"]["floodway"].is_null();
    let wrong = [
        (lifecycle.0 != lifecycle.1).then(|| format!("lifecycle state: {lifecycle:?}")),
        (notice.0 != notice.1).then(|| format!("spot notice: {notice:?}")),
        (user_data != section)
            .then(|| format!("user data: a section is given: {user_data}, and told: {section}")),
    ];
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    Some(match wrong.as_slice() {
        [] => Ok("user data, spot notice and lifecycle state were read".to_owned()),
        wrong => Err(format!("given and told differ: {}", wrong.join("; "))),
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Whether the metadata service was asked with a token, each time.
pub(super) fn imds(e: &Evidence<'_>) -> Option<Verdict> {
    let without = e.imds.without_token();
    Some(match (without.as_slice(), e.imds.count()) {
        (_, 0) => Err("nobody asked the metadata service".to_owned()),
        ([], asked) => Ok(format!("asked {asked} times, each time with a token")),
        ([first, ..], _) => {
            let (count, method, path) = (without.len(), &first.method, &first.path);
            Err(format!("asked {count} times without a token, first {method} {path}"))
        }
    })
}
