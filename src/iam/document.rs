//! IAM policy documents: what is needed, put into as few statements as there can be. Layer 6: pure.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// How long a managed policy may be, without white space.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const CHARACTERS_MAX: usize = 6144;

/// What must hold besides: operator, key, values that each suffice.
pub type Conditions = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Something that a caller must be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// `ec2:CreateVpc`
    pub action: String,
    /// ARNs.
    pub resources: BTreeSet<String>,
    /// What holds of the request anyway, so that it need not be allowed beyond that.
    pub conditions: Conditions,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: Vec<Statement>,
}

/// A statement of a policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    effect: &'static str,
    action: BTreeSet<String>,
    resource: BTreeSet<String>,
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    condition: Conditions,
}

impl Document {
    /// What allows all of this and nothing else.
    #[must_use]
    pub fn of(needs: impl IntoIterator<Item = Need>) -> Self {
        let mut by_action: BTreeMap<(String, Conditions), BTreeSet<String>> = BTreeMap::new();
        let mut tags: Option<Need> = None;
        for need in needs {
            // Which action may tag which kind follows from what each of them makes, so one statement says the same as many.
            if need.conditions.values().any(|keys| keys.contains_key(super::CREATE_ACTION)) {
                match &mut tags {
                    Some(all) => {
                        all.resources.extend(need.resources);
                        join(&mut all.conditions, need.conditions);
                    }
                    None => tags = Some(need),
                }
                continue;
            }
            by_action.entry((need.action, need.conditions)).or_default().extend(need.resources);
        }
        by_action.extend(tags.map(|need| ((need.action, need.conditions), need.resources)));
        let mut together: BTreeMap<(BTreeSet<String>, Conditions), BTreeSet<String>> = BTreeMap::new();
        for ((action, conditions), resources) in by_action {
            together.entry((without_covered(resources), conditions)).or_default().insert(action);
        }
        let statement = together
            .into_iter()
            .map(|((resource, condition), action)| Statement { effect: "Allow", action, resource, condition })
            .collect();
        Self { version: "2012-10-17", statement }
    }

    /// Whether it allows nothing: IAM takes no such document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.statement.is_empty()
    }

    /// As one reads it.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// How many characters count towards [`CHARACTERS_MAX`].
    #[must_use]
    pub fn characters(&self) -> usize {
        self.text().chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The actions that it allows.
    #[must_use]
    pub fn actions(&self) -> BTreeSet<&str> {
        self.statement.iter().flat_map(|s| &s.action).map(String::as_str).collect()
    }
}

impl Statement {
    /// The statement that allows this.
    #[must_use]
    pub fn of(need: &Need) -> Self {
        let (resource, condition) = (need.resources.clone(), need.conditions.clone());
        Self { effect: "Allow", action: BTreeSet::from([need.action.clone()]), resource, condition }
    }

    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn join(all: &mut Conditions, more: Conditions) {
    for (operator, keys) in more {
        let known = all.entry(operator).or_default();
        for (key, values) in keys {
            known.entry(key).or_default().extend(values);
        }
    }
}

/// Without those that one with a `*` covers.
fn without_covered(mut resources: BTreeSet<String>) -> BTreeSet<String> {
    let wide: Vec<String> = resources.iter().filter_map(|r| r.strip_suffix('*')).map(str::to_owned).collect();
    resources.retain(|r| !wide.iter().any(|w| r.starts_with(&**w) && r.strip_suffix('*') != Some(w)));
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(action: &str, resources: &[&str]) -> Need {
        let resources = resources.iter().map(|r| (*r).to_owned()).collect();
        Need { action: action.into(), resources, conditions: Conditions::new() }
    }

    #[test]
    fn what_has_the_same_objects_is_one_statement() {
        let needs = [need("ec2:B", &["a:vpc/*"]), need("ec2:A", &["a:vpc/vpc-1"]), need("ec2:A", &["a:vpc/*"]), need("ec2:C", &["*"])];
        let document = serde_json::to_value(Document::of(needs)).unwrap_or_default();
        let wanted = serde_json::json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["ec2:C"], "Resource": ["*"]},
            {"Effect": "Allow", "Action": ["ec2:A", "ec2:B"], "Resource": ["a:vpc/*"]},
        ]});
        assert_eq!(document, wanted);
    }
}
