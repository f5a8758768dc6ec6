//! The marks that Floodway writes on what it owns, and reads back: Kubernetes
//! labels and annotations, AWS tags. There is no other record of ownership.

use super::{Mark, Ownership};
use sha2::{Digest, Sha256};

/// Prefix of every key of Floodway's own.
pub const PREFIX: &str = "floodway.dev/";
/// Label and tag: the environment's name.
pub const ENVIRONMENT: &str = "floodway.dev/environment";
/// Label and tag: the stage served.
pub const STAGE: &str = "floodway.dev/stage";
/// Label and tag: the pool that a thing belongs to; what finds it again.
pub const POOL: &str = "floodway.dev/pool";
/// Label of the PriorityClass, whose own name does not tell: the namespace that
/// the environment stands in.
pub const NAMESPACE: &str = "floodway.dev/namespace";
/// Label, selector, node label and taint: the Deployment's name. It never
/// changes while the Deployment lives, whatever its pool is called.
pub const WORKLOAD: &str = "floodway.dev/workload";
/// Tag of a group: the market that its instances are bought in, whatever
/// somebody has made of its policy since.
pub const MARKET: &str = "floodway.dev/market";
/// Tag: how the instances of a group join, `kubernetes` or `standalone`.
pub const JOIN: &str = "floodway.dev/join";
/// Tag: GPUs of one instance.
pub const GPUS: &str = "floodway.dev/gpus";
/// Tag: replicas on one instance.
pub const REPLICAS_PER_NODE: &str = "floodway.dev/replicas-per-node";
/// Tag: what one replica carries inside the SLO, `9 req/s`.
pub const CAPACITY: &str = "floodway.dev/capacity";
/// Tag of what has no owners of its fields: a digest of those that git owns, as
/// they were last applied.
pub const APPLIED: &str = "floodway.dev/applied";
/// [`APPLIED`] without its prefix.
pub const APPLIED_KEY: &str = "applied";
/// Tag of a group: its lifecycle hooks as they were last written, which only a
/// call for each group would tell.
pub const HOOKS: &str = "floodway.dev/hooks";
/// Tag of a group in a capacity block: its instance type, which only its
/// template tells.
pub const BLOCK: &str = "floodway.dev/block";
/// Tag of a group in a capacity block: when EC2 begins to end what runs there.
pub const CLOSES: &str = "floodway.dev/closes";
/// Tag of a group that goes: the group that carries on for it, and how many that
/// then has in all: `3 prod-g6e-od-g6e.12xlarge`.
pub const PASSED_ON: &str = "floodway.dev/passed-on";
/// Tag of a machine image: its recipe.
pub const IMAGE: &str = "floodway.dev/image";
/// Tag of a machine image: the digest of its build's manifest.
pub const MANIFEST: &str = "floodway.dev/manifest";
/// Tag of a machine image, and of a template whose instances boot by a BIOS: how.
pub const BOOT_MODE: &str = "floodway.dev/boot-mode";
/// [`BOOT_MODE`] without its prefix.
pub const BOOT_MODE_KEY: &str = "boot-mode";
/// Annotation of the ApplySet's parent, and tag: the repository.
pub const REPOSITORY: &str = "floodway.dev/repository";
/// Annotation of the ApplySet's parent, and tag: the file in it.
pub const FILE: &str = "floodway.dev/file";
/// Annotation of the ApplySet's parent: how many members the last apply left.
pub const MEMBERS: &str = "floodway.dev/members";

/// Annotation of the ApplySet's parent: the AWS regions in which something was
/// left, `us-east-1,us-west-2`.
pub const REGIONS: &str = "floodway.dev/regions";

/// Annotation of the ApplySet's parent: what operators have said by hand.
pub const HANDS: &str = "floodway.dev/hands";
/// Annotation of the ApplySet's parent: what a controller has learned.
pub const NOTES: &str = "floodway.dev/notes";
/// [`NOTES`] without its prefix.
pub const NOTES_KEY: &str = "notes";
/// [`HANDS`] without its prefix.
pub const HANDS_KEY: &str = "hands";
/// Annotation of a Node: since when Floodway drains it.
pub const DRAINING: &str = "floodway.dev/draining";

/// Label of a Node that its provider's ID does not tell: the instance that it is.
pub const INSTANCE: &str = "floodway.dev/instance";

/// Label and tag: the tool.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`], and the first field manager.
pub const MANAGER: &str = "floodway";
/// The field manager that holds what git hands over to a runtime owner.
pub const HANDOVER_MANAGER: &str = "floodway-handover";

/// The field manager of what a drain writes: it can be taken back without touching
/// what others have written.
pub const DRAIN_MANAGER: &str = "floodway-drain";

/// The field manager of what operators say by hand: no plan undoes it.
pub const HANDS_MANAGER: &str = "floodway-hands";
/// The field manager of [`NOTES`].
pub const NOTES_MANAGER: &str = "floodway-notes";

/// Label of the parent (KEP-3659).
pub const APPLYSET_ID: &str = "applyset.kubernetes.io/id";
/// Label of a member (KEP-3659).
pub const APPLYSET_PART_OF: &str = "applyset.kubernetes.io/part-of";
/// Annotation of the parent (KEP-3659): the tool and its version.
pub const APPLYSET_TOOLING: &str = "applyset.kubernetes.io/tooling";
/// Annotation of the parent (KEP-3659): kinds of the members, sorted, `Kind.group`.
pub const APPLYSET_GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";

/// Whether git owns a tag of this key: it is Floodway's, and none that only notes
/// something.
pub fn is_owned_tag(key: &str) -> bool {
    (key.starts_with(PREFIX) || key == MANAGED_BY) && ![APPLIED, HOOKS].contains(&key)
}

impl Mark {
    /// Name of the ApplySet's parent, a ConfigMap in the service's namespace.
    pub fn parent_name(&self) -> String {
        format!("floodway-{}", self.environment)
    }

    /// The object in a declared bucket that is the environment's lock.
    pub fn lock_key(&self) -> String {
        format!("floodway/{}.json", self.environment)
    }

    /// The object there that says which controller leads.
    pub fn leadership_key(&self) -> String {
        format!("floodway/{}.run.json", self.environment)
    }

    /// The object there that says what operators have said by hand.
    pub fn hands_key(&self) -> String {
        format!("floodway/{}.hands.json", self.environment)
    }

    /// The object there that says what a controller has learned.
    pub fn notes_key(&self) -> String {
        format!("floodway/{}.notes.json", self.environment)
    }

    /// Whose a thing with these tags is.
    pub fn owner_by<'t>(&self, tag: impl Fn(&str) -> Option<&'t str>) -> Ownership {
        let Some(environment) = tag(ENVIRONMENT) else { return Ownership::Unmarked };
        let same = environment == self.environment
            && tag(REPOSITORY) == Some(&self.repository)
            && tag(FILE) == Some(&self.file);
        if same { Ownership::Ours } else { Ownership::Other(format!("environment {environment}")) }
    }

    /// The ApplySet's id, which KEP-3659 derives from the parent:
    /// `applyset-<base64url(sha256("<name>.<namespace>.<kind>.<group>"))>-v1`
    /// without padding; the core group is empty, so the hashed text ends in a dot.
    pub fn applyset_id(&self, namespace: &str) -> String {
        let parent = format!("{}.{namespace}.ConfigMap.", self.parent_name());
        format!("applyset-{}-v1", base64url(&Sha256::digest(parent)))
    }
}

/// RFC 4648 section 5, without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * sextet)) & 63;
            text.push(char::from(ALPHABET[index as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_follows_the_test_vectors_of_rfc_4648() {
        for (plain, coded) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64url(plain.as_bytes()), coded);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn the_id_is_the_one_that_kubectl_computes_for_the_same_parent() {
        let mark = Mark {
            environment: "prod".into(),
            repository: "github.com/acme/infra".into(),
            file: "environments/prod.toml".into(),
        };
        // printf 'floodway-prod.inference.ConfigMap.' | openssl dgst -sha256 -binary | basenc --base64url
        assert_eq!(
            mark.applyset_id("inference"),
            "applyset-9YBtNUvui0B6RQZ-WvNp4jvkBeWo3zXEcLCku3zKgPA-v1"
        );
    }
}
