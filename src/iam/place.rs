//! ARNs of an account.

use std::collections::BTreeSet;

/// An account and the regions of it.
pub(super) struct Place<'a> {
    pub(super) account: &'a str,
    pub(super) regions: BTreeSet<&'a str>,
}

impl<'a> Place<'a> {
    pub(super) fn new(account: &'a str, regions: BTreeSet<&'a str>) -> Self {
        Self { account, regions }
    }

    /// All regions of an account are in one partition.
    pub(super) fn partition(&self) -> &'static str {
        partition(self.regions.first().copied().unwrap_or_default())
    }

    /// Groups of the environment, by their name; the middle of a group's ARN is
    /// known when it is there.
    pub(super) fn groups(&self, environment: &str) -> Vec<String> {
        let name = format!("autoScalingGroup:*:autoScalingGroupName/{environment}-*");
        self.in_each(|region| self.arn("autoscaling", region, self.account, &name))
    }

    /// Things of EC2 that belong to the account.
    pub(super) fn ec2(&self, kinds: &[&str]) -> Vec<String> {
        let of = |kind: &&str| {
            self.in_each(|region| self.arn("ec2", region, self.account, &format!("{kind}/*")))
        };
        kinds.iter().flat_map(of).collect()
    }

    /// What a launch makes and uses: in the region of the template, which each
    /// statement about launches is bound to.
    pub(super) fn launched(&self, kinds: &[&str]) -> Vec<String> {
        let region = match self.regions.first() {
            Some(only) if self.regions.len() == 1 => only,
            _ => "*",
        };
        let of = |kind: &&str| {
            // Machine images have no account in their ARNs.
            let account = if *kind == "image" { "" } else { self.account };
            self.arn("ec2", region, account, &format!("{kind}/*"))
        };
        kinds.iter().map(of).collect()
    }

    /// Images and snapshots, whose ARNs name no account.
    pub(super) fn nobodys(&self, kind: &str) -> Vec<String> {
        self.in_each(|region| self.arn("ec2", region, "", &format!("{kind}/*")))
    }

    pub(super) fn role(&self, path: &str) -> String {
        self.arn("iam", "", self.account, &format!("role/{path}"))
    }

    pub(super) fn arn(&self, service: &str, region: &str, account: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{region}:{account}:{rest}", self.partition())
    }

    fn in_each(&self, arn: impl Fn(&str) -> String) -> Vec<String> {
        self.regions.iter().map(|region| arn(region)).collect()
    }

    /// `ec2.amazonaws.com` and its like: as IAM knows a service in the partition.
    pub(super) fn ec2_service(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "ec2.amazonaws.com.cn",
            _ => "ec2.amazonaws.com",
        }
    }
}

/// By how the region's name begins, as botocore's partitions.json has it.
fn partition(region: &str) -> &'static str {
    let begins = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    begins.iter().find(|(begin, _)| region.starts_with(begin)).map_or("aws", |(_, name)| name)
}

/// `text` as part of an ARN or a pattern, every character for itself:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars>
pub(super) fn literal_in_pattern(text: &str) -> String {
    let one = |c: char| match c {
        '$' | '*' | '?' => format!("${{{c}}}"),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

/// `text` as a value to be equal to: only variables are read there.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "${$}")
}
