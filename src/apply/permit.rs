//! Asking EC2 whether a caller may do what a plan does, before anything is done. Layer 7: changes nothing.
//!
//! An action is asked with `DryRun`: EC2 says that it would have succeeded, or that the caller is not authorised. Ids that
//! are not known yet are stood in for by ids that nothing has, since EC2 looks at permissions before it looks for things.
//! The few actions that take no `DryRun` are sent as they are, about a thing that does not exist; and not at all where
//! the policy may be about a thing that does.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::reads::stand_in,
    base::{base64, site::Site},
    call::{ApiError, Arg, Call, Class, Driver, Json, Request},
    iam::{self, Asked, Scope, document::Need, table},
    plan::Plan,
    resources,
    schema::value::{Record, Value},
};

/// What EC2 has said to an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// It may not.
    Denied(ApiError),
    /// It could not be asked, or the answer says nothing of permission.
    Unknown(String),
}

/// An action that was asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The account and region that was asked; `None`: the project's own.
    pub site: Option<Site>,
    /// What it needs.
    pub need: Need,
    /// What came of it.
    pub verdict: Verdict,
}

/// Asks for reads in an account and region. One that takes no notice of `DryRun` is made, which does no harm.
pub async fn reads(driver: &dyn Driver, site: Option<&Site>, requests: &[Request], scope: &Scope, told: &dyn Fn(&str)) -> Vec<Finding> {
    let other = site.and_then(|site| driver.beside(site));
    let (driver, scope) = (other.as_deref().unwrap_or(driver), &scope.at(site));
    let mut findings = vec![];
    for request in requests {
        told(&request.action);
        let request = if table::takes_dry_run(&request.action) { dry(request.clone()) } else { request.clone() };
        let verdict = ask(driver, &request).await;
        findings.push(Finding { site: site.cloned(), need: iam::of_read(&request.action, scope), verdict });
    }
    findings
}

/// Asks for each call of a plan that changes something, once for each action and what it is authorised on.
pub async fn calls(driver: &dyn Driver, plan: &Plan, scope: &Scope, told: &dyn Fn(&str)) -> Vec<Finding> {
    let wanted: BTreeMap<_, Record> = plan.tasks.iter().flat_map(|task| task.what.made()).map(|made| (made.address, made.record)).collect();
    let filler = Filler { wanted: &wanted };
    let mut seen = BTreeSet::new();
    let mut findings: BTreeMap<(Option<Site>, Need), Verdict> = BTreeMap::new();
    for asked in iam::asked(plan).into_iter().filter(|asked| asked.call.mutates()) {
        let needs = iam::of_call(Asked { call: &Call { settle: None, ..asked.call.clone() }, ..asked }, scope);
        if !seen.insert((asked.call.site.clone(), needs.clone())) {
            continue;
        }
        told(&asked.call.action);
        // Each account has rights of its own.
        let other = asked.call.site.as_ref().and_then(|site| driver.beside(site));
        for (need, verdict) in whole(other.as_deref().unwrap_or(driver), asked.call, needs, &filler).await {
            // Of several requests for the same, the one that is denied counts.
            let key = (asked.call.site.clone(), need);
            match findings.get(&key) {
                Some(Verdict::Denied(_)) => {}
                Some(_) if verdict == Verdict::Allowed => {}
                _ => drop(findings.insert(key, verdict)),
            }
        }
    }
    findings.into_iter().map(|((site, need), verdict)| Finding { site, need, verdict }).collect()
}

/// Asks a call with all that it gives; where that is denied, without its tags and its role, to tell which of them it is.
async fn whole(driver: &dyn Driver, call: &Call, needs: Vec<Need>, filler: &Filler<'_>) -> Vec<(Need, Verdict)> {
    let own = format!("ec2:{}", call.action);
    let request = filler.request(call);
    let dry_run = table::takes_dry_run(&call.action);
    if !dry_run && !filler.names_nothing(call) {
        let why = "EC2 takes no DryRun for it, and it is about something that stands".to_owned();
        return needs.into_iter().map(|need| (need, Verdict::Unknown(why.clone()))).collect();
    }
    let request = if dry_run { dry(request) } else { request };
    let all = ask(driver, &request).await;
    if !matches!(all, Verdict::Denied(_)) || needs.iter().all(|need| need.action == own) {
        return needs.into_iter().map(|need| (need, all.clone())).collect();
    }
    let passes = |action: &str| table::PASSES.iter().find(|(a, ..)| *a == action).map(|(_, given, _)| *given);
    let without = |members: &[&str]| {
        let mut less = request.clone();
        if let Some(params) = less.params.as_object_mut() {
            members.iter().for_each(|member| drop(params.remove(*member)));
        }
        less
    };
    let role: Vec<&str> = passes(&call.action).into_iter().collect();
    let bare = ask(driver, &without(&[&["TagSpecifications"], &*role].concat())).await;
    let mut found = vec![];
    for need in needs {
        let verdict = match &*need.action {
            // While the action itself is denied, EC2 does not look at the rest.
            _ if matches!(bare, Verdict::Denied(_)) => {
                if need.action == own {
                    bare.clone()
                } else {
                    continue;
                }
            }
            "ec2:CreateTags" => ask(driver, &without(&role)).await,
            "iam:PassRole" => ask(driver, &without(&["TagSpecifications"])).await,
            _ => bare.clone(),
        };
        found.push((need, verdict));
    }
    found
}

fn dry(mut request: Request) -> Request {
    request.params["DryRun"] = true.into();
    request
}

async fn ask(driver: &dyn Driver, request: &Request) -> Verdict {
    match driver.send(request).await {
        Ok(_) => Verdict::Allowed,
        Err(error) if error.code == "DryRunOperation" => Verdict::Allowed,
        Err(error) => match error.class {
            Class::Denied => Verdict::Denied(error),
            // EC2 comes to these only after it has looked at permissions.
            Class::NotFound | Class::InUse | Class::Duplicate | Class::State | Class::Quota => Verdict::Allowed,
            Class::Throttled | Class::Invalid | Class::Ambiguous | Class::Unreachable => Verdict::Unknown(error.to_string()),
        },
    }
}

/// Fills in what is not known.
struct Filler<'a> {
    /// What is to be made.
    wanted: &'a BTreeMap<crate::base::address::Address, Record>,
}

/// Members of earlier answers that name things, and prefixes of their ids.
const NAMED: [(&str, &str); 8] = [
    ("NetworkAclAssociationId", "aclassoc-"),
    ("RouteTableAssociationId", "rtbassoc-"),
    ("AssociationId", "eipassoc-"),
    ("AttachmentId", "eni-attach-"),
    ("SecurityGroupRuleId", "sgr-"),
    ("NetworkInterfaceId", "eni-"),
    ("NetworkAclId", "acl-"),
    ("RouteTableId", "rtb-"),
];

impl Filler<'_> {
    fn request(&self, call: &Call) -> Request {
        let params = call.params.iter().map(|(name, arg)| (name.clone(), self.json(arg))).filter(|(_, json)| !json.is_null());
        let mut request = Request::new(&call.action, Json::Object(params.collect()));
        if !call.tagged.is_empty() {
            let tags = json!([{"Key": "secnet:id", "Value": "asked"}]);
            request.params["TagSpecifications"] = call.tagged.iter().map(|kind| json!({"ResourceType": kind, "Tags": tags})).collect();
        }
        request
    }

    /// Whether a call is about what does not stand.
    fn names_nothing(&self, call: &Call) -> bool {
        let mut stands = false;
        let mut unknown = false;
        call.clone().each_arg(&mut |arg| match arg {
            Arg::Known(Json::String(text)) => stands |= resources::ALL.iter().any(|spec| text.starts_with(spec.id_prefix)),
            Arg::Of(_, name) => unknown |= name == "id",
            _ => {}
        });
        unknown && !stands
    }

    fn json(&self, arg: &Arg) -> Json {
        match arg {
            Arg::Known(json) => json.clone(),
            Arg::Of(address, name) => self.attribute(address, name),
            Arg::Answer(_, path) => named(path.last().map_or("", String::as_str)).into(),
            Arg::Find(find) => named(&find.take).into(),
            // Nothing that is secret is sent to ask.
            Arg::Sensitive(_) | Arg::Sealed(_) => "stand-in".into(),
            Arg::AccountOf(_) | Arg::OwnerOf(_) | Arg::RegionOf(_) => Json::Null,
            Arg::OperationId(length) => "0".repeat(*length).into(),
            Arg::Concat(pieces) => pieces.iter().map(|piece| plain(&self.json(piece))).collect::<String>().into(),
            Arg::Base64(text) => base64::encode(plain(&self.json(text)).as_bytes()).into(),
            Arg::Subnet(..) => "2001:db8::/64".into(),
            Arg::Except(args, without) => match (self.json(args), self.json(without)) {
                (Json::Array(all), Json::Array(without)) => all.into_iter().filter(|one| !without.contains(one)).collect(),
                (all, _) => all,
            },
            Arg::List(args) => args.iter().map(|arg| self.json(arg)).filter(|json| !json.is_null()).collect(),
            Arg::Map(args) => {
                let members = args.iter().map(|(key, arg)| (key.clone(), self.json(arg))).filter(|(_, json)| !json.is_null());
                Json::Object(members.collect())
            }
        }
    }

    fn attribute(&self, address: &crate::base::address::Address, name: &str) -> Json {
        let prefix = |kind: &str| resources::spec(kind).map(|spec| stand_in(spec.id_prefix));
        if name == "id" {
            return prefix(address.kind()).unwrap_or_default().into();
        }
        let written =
            self.wanted.get(address).and_then(|record| record.get(name)).filter(|value| value.is_known() && !value.is_sensitive());
        match written {
            Some(value @ (Value::Text(_) | Value::Int(_) | Value::Bool(_) | Value::Cidr(_) | Value::Ip(_))) => {
                self.json(&Arg::from_value(value))
            }
            _ => name.strip_suffix("_id").and_then(prefix).unwrap_or_else(|| other(name).to_owned()).into(),
        }
    }
}

/// Something in the form that an attribute has which EC2 decides.
fn other(name: &str) -> &'static str {
    match name {
        name if name.contains("device") => "/dev/xvda",
        name if name.contains("ip") => "192.0.2.1",
        _ => "stand-in",
    }
}

fn named(member: &str) -> String {
    NAMED.iter().find(|(name, _)| *name == member).map_or_else(|| "stand-in".to_owned(), |(_, prefix)| stand_in(prefix))
}

fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}
