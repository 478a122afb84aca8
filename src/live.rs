//! EC2 through the AWS SDK: the real one, any endpoint that speaks its API, or the sandbox in this process. Layer 8.
//!
//! It carries out one action at a time and repeats none that changes anything: that is the executor's, which journals it.

pub mod bucket;

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};

use crate::{
    call::{Answer, ApiError, Class, Driver, Request, mutates},
    ec2::{
        Action, Client, account,
        connection::{self, Authorities, BadCertificate, Door, SlowDoor},
        dry_run::{self, OnlyAsk},
        failure::OnlyEc2Answers,
        quotas, tag,
    },
    resources,
};

/// A proxy or a VPN may take some seconds; after this long nobody is there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The slowest action, RunInstances, answers within some ten seconds; after this long no answer will come.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Where and as whom to connect. What is not given is looked up as all AWS tools do it: environment, profile, instance.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `us-east-1`
    pub region: Option<String>,
    /// A profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// An endpoint that stands in for AWS's, of EC2 and STS alike.
    pub endpoint_url: Option<String>,
    /// A role to assume with these credentials.
    pub role: Option<Role>,
    /// Access key id and secret, instead of those of environment and profile.
    pub keys: Option<(String, String)>,
    /// How long to wait.
    pub patience: Patience,
}

/// A role, and what its owner wants to hear.
#[derive(Debug, Clone)]
pub struct Role {
    /// `arn:aws:iam::222222222222:role/secnet`
    pub arn: String,
    /// What its trust policy asks for.
    pub external_id: Option<String>,
    /// What the session is called in CloudTrail.
    pub session_name: String,
}

/// How long to wait for an endpoint.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the answer to an action, all attempts of a read together.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: CONNECT_TIMEOUT, answer: ANSWER_TIMEOUT }
    }
}

/// Why there is no connection to speak of; nothing has been sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectError {
    /// No region is set anywhere.
    NoRegion,
    /// This is no name of a region.
    BadRegion(String),
    /// This is no URL of an endpoint.
    BadEndpoint(String),
    /// The file of AWS_CA_BUNDLE, and why it cannot be read.
    NoAuthorities(PathBuf, String),
    /// The file of AWS_CA_BUNDLE, and what is wrong with a certificate.
    BadAuthorities(PathBuf, BadCertificate),
}

impl ConnectError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            ConnectError::NoRegion => "write `region = \"us-east-1\"` in the `project` block, or set AWS_REGION",
            ConnectError::BadRegion(_) => "a region is written like `us-east-1`",
            ConnectError::BadEndpoint(_) => "an endpoint is written like `http://127.0.0.1:5000`",
            ConnectError::NoAuthorities(..) | ConnectError::BadAuthorities(..) => {
                "let AWS_CA_BUNDLE name a file of certificates in PEM form, or unset it"
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::NoRegion => f.write_str("no AWS region is set"),
            ConnectError::BadRegion(region) => write!(f, "`{region}` is not the name of a region"),
            ConnectError::BadEndpoint(url) => write!(f, "`{url}` is not the URL of an endpoint"),
            ConnectError::NoAuthorities(path, reason) => write!(f, "`{}` cannot be read: {reason}", path.display()),
            ConnectError::BadAuthorities(path, reason) => write!(f, "`{}` cannot be used: {reason}", path.display()),
        }
    }
}

impl std::error::Error for ConnectError {}

/// EC2 through the SDK.
pub struct Live {
    /// Repeats what is throttled or breaks off.
    reads: Client,
    /// Sends once.
    writes: Client,
    /// Sends with `DryRun`, so that nothing is done.
    asks: Client,
    region: String,
    description: String,
    actions: BTreeMap<&'static str, &'static Action>,
}

impl Live {
    /// Gets ready to speak to AWS or to an endpoint in its place. Sends nothing to it yet; credentials are looked up when needed.
    ///
    /// # Errors
    /// No region is known, or something that was given makes no sense.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let explicit = options.endpoint_url.clone();
        let endpoint = explicit.or_else(|| std::env::var("AWS_ENDPOINT_URL_EC2").ok()).or_else(|| std::env::var("AWS_ENDPOINT_URL").ok());
        // A proxy would look for its own loopback, not ours.
        let proxied = !endpoint.as_deref().is_some_and(is_loopback);
        let mut loader = aws_config::defaults(behavior())
            .http_client(connection::https(proxied, authorities()?))
            .timeout_config(timeouts(options.patience));
        if let Some(region) = options.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(profile) = options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some((id, secret)) = options.keys {
            loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "given"));
        }
        let mut config = loader.load().await;
        if let Some(role) = options.role {
            let mut assumed = AssumeRoleProvider::builder(role.arn).session_name(role.session_name).configure(&config);
            if let Some(id) = role.external_id {
                assumed = assumed.external_id(id);
            }
            let provider = SharedCredentialsProvider::new(assumed.build().await);
            config = config.into_builder().credentials_provider(provider).build();
        }
        let endpoint = endpoint.or_else(|| config.endpoint_url().map(str::to_owned));
        Self::new(&config, endpoint.as_deref())
    }

    /// Speaks to a door in this process, as anybody.
    ///
    /// # Errors
    /// The region has no proper name.
    pub fn over(door: Door, region: &str) -> Result<Self, ConnectError> {
        Self::over_slow(connection::at_once(door), region)
    }

    /// The same to a door that may take its time; waits for it as for AWS.
    ///
    /// # Errors
    /// The region has no proper name.
    pub fn over_slow(door: SlowDoor, region: &str) -> Result<Self, ConnectError> {
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("sandbox", "sandbox", None, None, "sandbox")))
            .timeout_config(timeouts(Patience::default()))
            .http_client(connection::in_process(door))
            .build();
        let live = Self::new(&config, None)?;
        let place = "the sandbox".to_owned();
        let [reads, writes, asks] = [live.reads, live.writes, live.asks].map(|client| Client { place: place.clone(), ..client });
        Ok(Self { reads, writes, asks, description: "sandbox".into(), ..live })
    }

    fn new(config: &SdkConfig, endpoint: Option<&str>) -> Result<Self, ConnectError> {
        let region = config.region().ok_or(ConnectError::NoRegion)?.to_string();
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(is_name) {
            return Err(ConnectError::BadRegion(region));
        }
        if let Some(url) = endpoint.filter(|url| host(url).is_none()) {
            return Err(ConnectError::BadEndpoint(url.to_owned()));
        }
        let place = endpoint.map_or_else(|| format!("EC2 in region `{region}`"), |url| format!("`{url}`"));
        let ec2 = |retry: RetryConfig| aws_sdk_ec2::config::Builder::from(config).retry_config(retry).interceptor(OnlyEc2Answers);
        let client = |ec2: aws_sdk_ec2::config::Builder, retry: RetryConfig| Client {
            ec2: aws_sdk_ec2::Client::from_conf(ec2.build()),
            sts: aws_sdk_sts::Client::from_conf(
                aws_sdk_sts::config::Builder::from(config).retry_config(retry.clone()).interceptor(OnlyEc2Answers).build(),
            ),
            servicequotas: quotas::client(config, retry),
            place: place.clone(),
            changes: false,
        };
        Ok(Self {
            reads: client(ec2(RetryConfig::standard()), RetryConfig::standard()),
            writes: Client { changes: true, ..client(ec2(RetryConfig::disabled()), RetryConfig::disabled()) },
            asks: client(ec2(RetryConfig::standard()).interceptor(OnlyAsk), RetryConfig::standard()),
            region,
            description: endpoint.unwrap_or("AWS").to_owned(),
            actions: actions().map(|action| (action.name, action)).collect(),
        })
    }
}

impl Driver for Live {
    fn send<'a>(&'a self, request: &'a Request) -> Answer<'a> {
        let client = if mutates(&request.action) { &self.writes } else { &self.reads };
        match self.actions.get(&*request.action) {
            Some(action) if dry_run::is_asked(request) => Box::pin(async move {
                let params = dry_run::without(request);
                (action.send)(&self.asks, &params).await
            }),
            Some(action) => (action.send)(client, &request.params),
            None => {
                let message = format!("a bug in secnet: there is no action {}", request.action);
                Box::pin(std::future::ready(Err(ApiError::without_answer(Class::Invalid, message))))
            }
        }
    }

    fn region(&self) -> &str {
        &self.region
    }

    fn describe(&self) -> String {
        self.description.clone()
    }
}

/// Every action that secnet knows: those of the resource types, and those of none.
fn actions() -> impl Iterator<Item = &'static Action> {
    resources::ALL.iter().flat_map(|spec| spec.actions).chain(account::ACTIONS).chain(quotas::ACTIONS).chain(tag::ACTIONS)
}

fn timeouts(patience: Patience) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(patience.connect).operation_timeout(patience.answer).build()
}

/// What the SDK does by itself, as of a day: a newer SDK changes none of it.
fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The caller's own public address, as AWS's address service sees it.
///
/// # Errors
/// It cannot be reached or does not tell; why, in words.
pub async fn own_address() -> Result<IpAddr, String> {
    connection::own_address(authorities().map_err(|e| e.to_string())?, CONNECT_TIMEOUT).await
}

/// The certificate authorities of AWS_CA_BUNDLE, which stand in for the system's as in AWS's own command line.
fn authorities() -> Result<Option<Authorities>, ConnectError> {
    let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from) else { return Ok(None) };
    let pem = std::fs::read(&path).map_err(|error| ConnectError::NoAuthorities(path.clone(), error.to_string()))?;
    Authorities::from_pem(&pem).map(Some).map_err(|error| ConnectError::BadAuthorities(path, error))
}

/// The host of an HTTP URL.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split_once(']').map(|(address, _)| address),
        None => authority.split(':').next().filter(|host| !host.is_empty()),
    }
}

fn is_loopback(url: &str) -> bool {
    host(url).is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use serde_json::json;

    use super::*;

    #[test]
    fn every_action_has_one_owner() {
        let mut seen = BTreeSet::new();
        let twice: Vec<&str> = actions().map(|action| action.name).filter(|name| !seen.insert(*name)).collect();
        assert_eq!(twice, Vec::<&str>::new());
    }

    #[test]
    fn the_host_of_an_endpoint() {
        assert_eq!(host("http://127.0.0.1:5000/x"), Some("127.0.0.1"));
        assert_eq!(host("https://[::1]:5000"), Some("::1"));
        assert_eq!(host("127.0.0.1:5000"), None);
        assert!(is_loopback("http://localhost:4566") && is_loopback("http://[::1]:1") && !is_loopback("https://ec2.example.com"));
    }

    /// A door that answers always the same.
    fn answering(status: u16, body: &'static str) -> Live {
        let door: Door = Arc::new(move |_: &str, _: Option<&str>| (status, body.to_owned(), "text/xml"));
        Live::over(door, "us-east-1").unwrap()
    }

    /// What an action sends, as EC2's Query form.
    async fn form_of(action: &str, params: crate::call::Json) -> String {
        let (tell, told) = std::sync::mpsc::channel();
        let door: Door = Arc::new(move |form: &str, _: Option<&str>| {
            tell.send(form.to_owned()).unwrap();
            (400, "<Response><Errors/></Response>".to_owned(), "text/xml")
        });
        let live = Live::over(door, "us-east-1").unwrap();
        assert!(live.send(&Request::new(action, params)).await.is_err());
        told.try_iter().collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn parameters_arrive_as_ec2_spells_them() {
        let entry = json!({
            "NetworkAclId": "acl-1", "RuleNumber": 100, "Egress": false, "RuleAction": "allow", "Protocol": "58",
            "Ipv6CidrBlock": "2001:db8::/32", "IcmpTypeCode": {"Type": 128, "Code": -1},
        });
        assert_eq!(
            form_of("CreateNetworkAclEntry", entry).await,
            "Action=CreateNetworkAclEntry&Version=2016-11-15&NetworkAclId=acl-1&RuleNumber=100&Protocol=58&RuleAction=allow&Egress=false\
             &Ipv6CidrBlock=2001%3Adb8%3A%3A%2F32&Icmp.Code=-1&Icmp.Type=128"
        );
        let instance = json!({"UserData": "IyEvYmluL3NoCg==", "ClientToken": "t", "IamInstanceProfile": {"Name": "app"}});
        assert_eq!(
            form_of("RunInstances", instance).await,
            "Action=RunInstances&Version=2016-11-15&UserData=IyEvYmluL3NoCg%3D%3D&ClientToken=t&IamInstanceProfile.Name=app"
        );
        let key = json!({"KeyName": "k", "PublicKeyMaterial": "c3NoLWVkMjU1MTkgQUFB"});
        assert_eq!(
            form_of("ImportKeyPair", key).await,
            "Action=ImportKeyPair&Version=2016-11-15&KeyName=k&PublicKeyMaterial=c3NoLWVkMjU1MTkgQUFB"
        );
        let gateways = json!({"Filters": [{"Name": "state", "Values": ["pending", "available"]}], "MaxResults": 5});
        assert_eq!(
            form_of("DescribeNatGateways", gateways).await,
            "Action=DescribeNatGateways&Version=2016-11-15&Filter.1.Name=state&Filter.1.Value.1=pending&Filter.1.Value.2=available\
             &MaxResults=5"
        );
    }

    #[tokio::test]
    async fn whoever_asks_changes_nothing() {
        let form = form_of("CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "DryRun": true})).await;
        assert_eq!(form, "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16&DryRun=true");
        let plain = form_of("DeleteVpc", json!({"VpcId": "vpc-1"})).await;
        assert_eq!(plain, "Action=DeleteVpc&Version=2016-11-15&VpcId=vpc-1");
    }

    #[tokio::test]
    async fn without_credentials_it_says_where_to_get_them() {
        let none = aws_credential_types::credential_fn::provide_credentials_fn(|| async {
            Err(aws_credential_types::provider::error::CredentialsError::not_loaded("nothing is set"))
        });
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(none))
            .build();
        let live = Live::new(&config, None).unwrap();
        for action in ["DeleteVpc", "GetCallerIdentity"] {
            let error = live.send(&Request::new(action, json!({}))).await.unwrap_err();
            let wanted = "there are no AWS credentials: sign in with `aws sso login` or `aws configure`, \
                or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            assert_eq!((error.class, &*error.message), (Class::Denied, wanted));
        }
    }

    #[tokio::test]
    async fn a_role_that_may_not_be_assumed_is_told_as_sts_tells_it() {
        use aws_sdk_sts::{error::ErrorMetadata, operation::assume_role::AssumeRoleError};
        let refusing = aws_credential_types::credential_fn::provide_credentials_fn(|| async {
            let said = ErrorMetadata::builder().code("AccessDenied").message("not authorized to perform: sts:AssumeRole").build();
            Err(aws_credential_types::provider::error::CredentialsError::provider_error(AssumeRoleError::generic(said)))
        });
        let config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(refusing))
            .build();
        let live = Live::new(&config, None).unwrap();
        for action in ["DescribeVpcs", "GetCallerIdentity"] {
            let error = live.send(&Request::new(action, json!({}))).await.unwrap_err();
            assert_eq!(
                (error.class, &*error.code, &*error.message),
                (Class::Denied, "AccessDenied", "not authorized to perform: sts:AssumeRole")
            );
        }
    }

    #[tokio::test]
    async fn a_page_is_no_answer_to_an_action_that_answers_nothing() {
        let live = answering(200, "<!doctype html>\n<html><title>Sign in</title>");
        let error = live.send(&Request::new("DescribeVpcs", json!({}))).await.unwrap_err();
        assert_eq!(error.class, Class::Unreachable);
        // EC2 may have carried it out behind whatever answers so.
        let error = live.send(&Request::new("DeleteVpc", json!({"VpcId": "vpc-1"}))).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous);
        assert_eq!(error.message, "the sandbox does not speak EC2: it answered 200 with `<!doctype html> <html><title>Sign in</title>`");
    }

    #[tokio::test]
    async fn a_gateway_that_gives_up_leaves_it_open_what_happened() {
        let error = answering(502, "").send(&Request::new("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous);
        assert_eq!(error.message, "the sandbox does not speak EC2: it answered 502 with nothing");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_leaves_it_open_what_happened() {
        let error = answering(200, "<CreateVpcResponse><vpc><vpcId>vpc-1").send(&Request::new("CreateVpc", json!({}))).await.unwrap_err();
        assert_eq!(error.class, Class::Ambiguous);
        assert!(error.message.starts_with("the answer of the sandbox could not be read: "), "{}", error.message);
    }

    #[tokio::test]
    async fn a_refusal_keeps_code_words_and_request() {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>\
            <Message>The vpc ID 'vpc-1' does not exist</Message></Error></Errors><RequestID>ea966190</RequestID></Response>";
        let error = answering(400, body).send(&Request::new("DeleteVpc", json!({"VpcId": "vpc-1"}))).await.unwrap_err();
        assert_eq!(error.class, Class::NotFound);
        assert_eq!(error.to_string(), "InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist (request ea966190)");
    }

    #[tokio::test]
    async fn what_no_action_takes_is_refused_before_it_is_sent() {
        let live = answering(500, "");
        let error = live.send(&Request::new("CreateVpc", json!({"CidrBlocks": []}))).await.unwrap_err();
        assert_eq!((error.class, &*error.message), (Class::Invalid, "a bug in secnet: CreateVpc has no parameter `CidrBlocks`"));
        let error = live.send(&Request::new("CreateWorld", json!({}))).await.unwrap_err();
        assert_eq!((error.class, &*error.message), (Class::Invalid, "a bug in secnet: there is no action CreateWorld"));
    }
}
