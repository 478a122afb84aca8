//! One EC2 action, as planner, prover, journal, simulator and SDK all see it. Layer 1.
//!
//! Parameters and answers are JSON in the shape of the EC2 API reference (and of `aws ec2 --output json`):
//! `{"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "vpc", "Tags": [...]}]}`.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    base::{address::Address, base64, site::Site},
    schema::value::Value,
};

/// JSON, as EC2 is asked and answers.
pub type Json = serde_json::Value;

/// A parameter of a planned call: known now, or taken from the state or an earlier answer when the call is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// Known.
    Known(Json),
    /// An attribute of a resource as EC2 gave it; `id` is its id.
    Of(Address, String),
    /// From the answer of an earlier call of the same task: its index, and a path of keys and list indices.
    Answer(usize, Vec<String>),
    /// From the answer of an earlier call of the same task, a member of the one element that fits; a mistake if none does.
    Find(Find),
    /// The first characters of the operation's own random id, so many: what makes a generated name unique.
    OperationId(usize),
    /// A network in another: that one, how many more bits of prefix, and which of those that have so many.
    Subnet(Box<Arg>, u8, u64),
    /// Texts joined.
    Concat(Vec<Arg>),
    /// A sensitive value. It is written down nowhere: a plan holds [`Arg::Sealed`] in its place.
    #[serde(skip)]
    Sensitive(Value),
    /// A sensitive value by its keyed hash; whoever makes the call has been given what it stands for.
    Sealed(String),
    /// The account that a resource stands in, where that is another one than the call's; else nothing. Known in every plan.
    AccountOf(Address),
    /// The account that a resource stands in, whichever that is. Known in every plan.
    OwnerOf(Address),
    /// The region that a resource stands in, where that is another one than the call's; else nothing. Known in every plan.
    RegionOf(Address),
    /// A text in base64, as EC2 takes user data and public keys: see [`crate::base::base64::encode`].
    Base64(Box<Arg>),
    /// The elements of the first list that are not in the second; null where there is none.
    Except(Box<Arg>, Box<Arg>),
    /// In order; elements that turn out null are left out.
    List(Vec<Arg>),
    /// By name; members that turn out null are left out.
    Map(BTreeMap<String, Arg>),
}

/// A search in an answer: which association holds this subnet?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Find {
    /// Index of the call in the task.
    pub call: usize,
    /// Path to the elements, lists on the way flattened: `["NetworkAcls", "Associations"]`.
    pub lists: Vec<String>,
    /// The member of an element to look at: `SubnetId`.
    pub member: String,
    /// What it must be.
    pub equals: Box<Arg>,
    /// The member to take: `NetworkAclAssociationId`.
    pub take: String,
}

impl Find {
    /// The first element of the answer that fits, and what is wanted of it.
    #[must_use]
    pub fn search<'a>(&self, answer: &'a Json, equals: &Json) -> Option<&'a Json> {
        let mut found = vec![answer];
        for key in &self.lists {
            found = found
                .into_iter()
                .filter_map(|at| at.get(key))
                .flat_map(|at| at.as_array().map_or(std::slice::from_ref(at), Vec::as_slice))
                .collect();
        }
        found.into_iter().find(|item| item.get(&self.member) == Some(equals))?.get(&self.take)
    }
}

impl Arg {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Arg::Known(Json::String(text.into()))
    }

    /// Takes the member `take` of the element in the answer of call `call` whose `member` equals something.
    #[must_use]
    pub fn find(call: usize, lists: &[&str], member: &str, equals: Arg, take: &str) -> Self {
        let lists = lists.iter().map(|l| (*l).to_owned()).collect();
        Arg::Find(Find { call, lists, member: member.into(), equals: Box::new(equals), take: take.into() })
    }

    /// The id of a resource.
    #[must_use]
    pub fn id(address: &Address) -> Self {
        Arg::Of(address.clone(), "id".into())
    }

    /// A text in base64; encoded at once where it is known.
    #[must_use]
    pub fn base64(text: Arg) -> Self {
        match text {
            Arg::Known(Json::String(text)) => Arg::text(base64::encode(text.as_bytes())),
            later => Arg::Base64(Box::new(later)),
        }
    }

    /// An object from its members.
    pub fn map<K: Into<String>>(members: impl IntoIterator<Item = (K, Arg)>) -> Self {
        Arg::Map(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
    }

    fn each(&mut self, visit: &mut dyn FnMut(&mut Arg)) {
        visit(self);
        match self {
            Arg::List(args) | Arg::Concat(args) => args.iter_mut().for_each(|arg| arg.each(visit)),
            Arg::Map(args) => args.values_mut().for_each(|arg| arg.each(visit)),
            Arg::Find(find) => find.equals.each(visit),
            Arg::Base64(arg) | Arg::Subnet(arg, ..) => arg.each(visit),
            Arg::Except(args, without) => [args, without].into_iter().for_each(|arg| arg.each(visit)),
            Arg::Known(_)
            | Arg::Of(..)
            | Arg::AccountOf(_)
            | Arg::OwnerOf(_)
            | Arg::RegionOf(_)
            | Arg::Answer(..)
            | Arg::OperationId(_)
            | Arg::Sensitive(_)
            | Arg::Sealed(_) => {}
        }
    }

    /// What is in a sensitive value. What EC2 decides is no secret of the project's, what stands around it is.
    fn sensitive(value: &Value) -> Self {
        match value {
            Value::Concat(pieces) => Arg::Concat(pieces.iter().map(Arg::sensitive).collect()),
            Value::List(values) => Arg::List(values.iter().map(Arg::sensitive).collect()),
            Value::Null | Value::Error | Value::Resource(_) | Value::Attribute(..) | Value::Subnet(..) => Arg::from_value(value),
            other => Arg::Sensitive(other.clone().sensitive()),
        }
    }

    /// A value as EC2 takes it: networks, addresses and durations as text or numbers, a resource as its id.
    #[must_use]
    pub fn from_value(value: &Value) -> Self {
        match value {
            Value::Null | Value::Error => Arg::Known(Json::Null),
            Value::Bool(b) => Arg::Known((*b).into()),
            Value::Int(n) => Arg::Known((*n).into()),
            Value::Float(n) => Arg::Known((*n).into()),
            Value::Duration(n) => Arg::Known((*n).into()),
            Value::Text(text) => Arg::text(&**text),
            Value::Resource(address) => Arg::id(address),
            Value::Attribute(address, name) => Arg::Of(address.clone(), name.clone()),
            Value::Subnet(of, bits, n) => Arg::Subnet(Box::new(Arg::from_value(of)), *bits, *n),
            Value::Concat(pieces) => Arg::Concat(pieces.iter().map(Arg::from_value).collect()),
            Value::List(values) => Arg::List(values.iter().map(Arg::from_value).collect()),
            Value::Map(map) => Arg::Map(map.iter().map(|(k, v)| (k.clone(), Arg::from_value(v))).collect()),
            Value::Anywhere => Arg::text("0.0.0.0/0"),
            Value::Sensitive(inner) => Arg::sensitive(inner),
            Value::Sealed(hash) => Arg::Sealed(hash.clone()),
            other => Arg::text(other.to_string()),
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Arg::text(text)
    }
}

impl From<&Value> for Arg {
    fn from(value: &Value) -> Self {
        Arg::from_value(value)
    }
}

/// A planned EC2 action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// `CreateVpc`
    pub action: String,
    /// Its parameters without tags and token, which the executor adds.
    pub params: BTreeMap<String, Arg>,
    /// The `ResourceType`s of the tags to put on what it makes (`vpc`, `security-group-rule`); empty where it takes none.
    pub tagged: Vec<String>,
    /// Whether the action takes a `ClientToken`.
    pub token: bool,
    /// What to wait for after it.
    pub settle: Option<Settle>,
    /// Error codes that mean that what the call is for holds already.
    pub satisfied_by: Vec<String>,
    /// A resource in whose account and region it is made, where that is not the one it is about. A plan has [`Call::site`] instead.
    #[serde(skip)]
    pub beside: Option<Address>,
    /// Where it is sent; `None` is the project's own account and region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

impl Call {
    /// A call that takes no tags and no token, and that nothing is waited for after.
    pub fn new<K: Into<String>>(action: &str, params: impl IntoIterator<Item = (K, Arg)>) -> Self {
        let params = params.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Self { action: action.into(), params, tagged: vec![], token: false, settle: None, satisfied_by: vec![], beside: None, site: None }
    }

    /// Tags what it makes; once for each type of thing that it makes.
    #[must_use]
    pub fn tagged(mut self, resource_type: &str) -> Self {
        self.tagged.push(resource_type.into());
        self
    }

    /// Is made in the account and region of another resource than the one that it is about.
    #[must_use]
    pub fn beside(mut self, other: Option<&Address>) -> Self {
        self.beside = other.cloned();
        self
    }

    /// Sends a client token.
    #[must_use]
    pub fn with_token(mut self) -> Self {
        self.token = true;
        self
    }

    /// Waits after it.
    #[must_use]
    pub fn settle(mut self, settle: Settle) -> Self {
        self.settle = Some(settle);
        self
    }

    /// Takes an error for success, because it says that nothing is left to do.
    #[must_use]
    pub fn satisfied_by(mut self, codes: &[&str]) -> Self {
        self.satisfied_by = codes.iter().map(|c| (*c).into()).collect();
        self
    }

    /// Visits every parameter, outermost first, those of the wait too; the visitor may put another in its place.
    pub fn each_arg(&mut self, visit: &mut dyn FnMut(&mut Arg)) {
        self.params.values_mut().chain(self.settle.iter_mut().map(|s| &mut s.id)).for_each(|arg| arg.each(visit));
    }

    /// Whether it changes anything: all but `Describe*`, `Get*`, `List*` and `Search*`.
    #[must_use]
    pub fn mutates(&self) -> bool {
        mutates(&self.action)
    }
}

/// The service that an action is one of, as IAM calls it.
#[must_use]
pub fn service(action: &str) -> &'static str {
    match action {
        "AssumeRole" | "GetCallerIdentity" => "sts",
        "ListServiceQuotas" => "servicequotas",
        _ => "ec2",
    }
}

/// Whether an action changes anything in EC2. A role is assumed on the way there.
#[must_use]
pub fn mutates(action: &str) -> bool {
    !["Describe", "Get", "List", "Search", "AssumeRole"].iter().any(|verb| action.starts_with(verb))
}

/// A state to wait for. What waits is asked about in batches: one Describe for all that wait for the same action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settle {
    /// `DescribeNatGateways`
    pub action: String,
    /// The filter that takes ids: `nat-gateway-id`.
    pub filter: String,
    /// Path to the items in the answer, lists flattened: `["Reservations", "Instances"]`.
    pub items: Vec<String>,
    /// Member of an item that holds its id: `NatGatewayId`.
    pub id_member: String,
    /// Path to the state in an item: `["State", "Name"]`.
    pub state: Vec<String>,
    /// States that end the wait; an item that is no longer listed has state `gone`.
    pub until: Vec<String>,
    /// States that end it in failure.
    pub failed: Vec<String>,
    /// Path in an item to the reason of a failure; empty where EC2 gives none.
    pub reason: Vec<String>,
    /// Whose state.
    pub id: Arg,
    /// How long at most, in seconds.
    pub timeout_s: u64,
}

impl Settle {
    /// Waits at most five minutes until the thing is in one of the states `until`.
    #[must_use]
    pub fn new(action: &str, filter: &str, items: &[&str], id_member: &str, state: &[&str], until: &[&str], id: Arg) -> Self {
        let texts = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Self {
            action: action.into(),
            filter: filter.into(),
            items: texts(items),
            id_member: id_member.into(),
            state: texts(state),
            until: texts(until),
            failed: vec![],
            reason: vec![],
            id,
            timeout_s: 300,
        }
    }

    /// Gives up when the thing is in one of these states, with the reason that EC2 gives at that path.
    #[must_use]
    pub fn or_fail(mut self, states: &[&str], reason: &[&str]) -> Self {
        self.failed = states.iter().map(|s| (*s).to_owned()).collect();
        self.reason = reason.iter().map(|s| (*s).to_owned()).collect();
        self
    }

    /// Waits at most so many seconds.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.timeout_s = seconds;
        self
    }
}

/// A call with everything filled in, as a driver sends it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// `CreateVpc`
    pub action: String,
    /// All parameters, tags and token too.
    pub params: Json,
}

impl Request {
    /// A request.
    #[must_use]
    pub fn new(action: &str, params: Json) -> Self {
        Self { action: action.into(), params }
    }
}

/// What an error means for whoever made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Too fast: it was refused, and may be sent again later.
    Throttled,
    /// It names something that does not exist (or that EC2 does not see yet).
    NotFound,
    /// Something else still holds it.
    InUse,
    /// It is there already.
    Duplicate,
    /// The thing is in a state that does not allow it.
    State,
    /// The caller has no right to it, or no valid credentials.
    Denied,
    /// EC2 refuses the request as it stands.
    Invalid,
    /// A quota is used up.
    Quota,
    /// No answer, or one that does not tell: it may have been carried out or not.
    Ambiguous,
    /// The endpoint cannot be reached or does not speak EC2: it was not carried out.
    Unreachable,
}

impl Class {
    /// Sorts EC2's error codes (EC2 API reference, "Error codes for the Amazon EC2 API").
    #[must_use]
    pub fn of(code: &str) -> Class {
        match code {
            "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "EC2ThrottledException"
            | "RequestThrottled"
            | "TooManyRequestsException" => Class::Throttled,
            "DependencyViolation" | "VolumeInUse" | "InvalidIPAddress.InUse" => Class::InUse,
            "IncorrectState" | "IncorrectInstanceState" | "InvalidInstanceID" | "OperationNotPermitted" | "InvalidState" => Class::State,
            "InternalError" | "InternalFailure" | "Unavailable" | "ServiceUnavailable" | "ServerInternal" => Class::Ambiguous,
            "UnauthorizedOperation"
            | "AuthFailure"
            | "AccessDenied"
            | "AccessDeniedException"
            | "ExpiredToken"
            | "RequestExpired"
            | "OptInRequired"
            | "SignatureDoesNotMatch"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "Blocked"
            | "UnrecognizedClientException" => Class::Denied,
            "Resource.AlreadyAssociated" | "RouteAlreadyExists" | "NetworkAclEntryAlreadyExists" => Class::Duplicate,
            code if code.ends_with(".NotFound") || code.ends_with(".NotAttached") || code == "NatGatewayNotFound" => Class::NotFound,
            code if code.ends_with(".Duplicate") || code.ends_with("AlreadyExists") => Class::Duplicate,
            code if code.ends_with(".InUse") => Class::InUse,
            code if code.ends_with("LimitExceeded") => Class::Quota,
            _ => Class::Invalid,
        }
    }
}

/// A refusal, or the lack of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiError {
    /// What it means.
    pub class: Class,
    /// EC2's code, or empty where there was no answer of EC2's.
    pub code: String,
    /// EC2's words, or ours where there was none.
    pub message: String,
    /// AWS's request id.
    pub request_id: Option<String>,
}

impl ApiError {
    /// An error as EC2 gives it.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let code = code.into();
        Self { class: Class::of(&code), code, message: message.into(), request_id: None }
    }

    /// No answer.
    pub fn without_answer(class: Class, message: impl Into<String>) -> Self {
        Self { class, code: String::new(), message: message.into(), request_id: None }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&*self.code, &*self.message) {
            ("", message) => f.write_str(message),
            (code, message) => write!(f, "{code}: {message}"),
        }?;
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " (request {id})"))
    }
}

/// An answer that comes later.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Json, ApiError>> + Send + 'a>>;

/// Something that carries out EC2 actions: the real EC2 through the SDK, or the simulator.
///
/// `Describe*` answers with `NextToken` where there is more; whoever asks goes on with it.
/// A driver retries no action that changes anything: that is the executor's, which journals it.
/// `GetCallerIdentity` (of STS) is answered too: `{"Account": ..., "Arn": ..., "UserId": ...}`; and `ListServiceQuotas`.
pub trait Driver: Send + Sync {
    /// Carries out one action.
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a>;

    /// The region it works in.
    fn region(&self) -> &str;

    /// What it is, for people: `sandbox`, `http://127.0.0.1:5000`, `AWS`.
    fn describe(&self) -> String;

    /// The driver of another account and region, where it knows one.
    fn beside(&self, _site: &Site) -> Option<Arc<dyn Driver>> {
        None
    }
}

/// The driver of another account and region.
///
/// # Errors
/// There is no way there: a mistake of secnet's, since every account is opened before anything is asked.
pub fn beside(driver: &dyn Driver, site: &Site) -> Result<Arc<dyn Driver>, ApiError> {
    let missing = || ApiError::without_answer(Class::Unreachable, format!("there is no connection to `{site}`"));
    driver.beside(site).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_goes_through_lists_of_lists() {
        let answer = json!({"NetworkAcls": [
            {"Associations": [{"SubnetId": "subnet-a", "NetworkAclAssociationId": "aclassoc-1"}]},
            {"Associations": [{"SubnetId": "subnet-b", "NetworkAclAssociationId": "aclassoc-2"}]},
        ]});
        let find = Find {
            call: 0,
            lists: vec!["NetworkAcls".into(), "Associations".into()],
            member: "SubnetId".into(),
            equals: Box::new("subnet-b".into()),
            take: "NetworkAclAssociationId".into(),
        };
        assert_eq!(find.search(&answer, &json!("subnet-b")), Some(&json!("aclassoc-2")));
        assert_eq!(find.search(&answer, &json!("subnet-c")), None);
    }
}
