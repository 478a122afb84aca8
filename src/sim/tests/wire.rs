//! The Query door: the same model, in EC2's own words.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::*;

/// What stands between the first `<name>` and its end.
fn inner<'a>(xml: &'a str, name: &str) -> &'a str {
    let after = xml.split_once(&format!("<{name}>")).map_or("", |(_, after)| after);
    after.split_once(&format!("</{name}>")).map_or("", |(inner, _)| inner)
}

#[test]
fn a_form_becomes_a_request_and_its_answer_xml() {
    let sim = Sim::new("eu-central-1");
    let form = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0%2F16&TagSpecification.1.ResourceType=vpc\
                &TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a+%3Cb%3E+%26+c";
    let (status, xml, kind) = handle(&sim, form, None);
    assert_eq!((status, kind), (200, "text/xml;charset=UTF-8"));
    assert!(xml.contains("<CreateVpcResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"), "{xml}");
    assert_eq!(inner(inner(inner(&xml, "vpc"), "tagSet"), "item"), "<key>Name</key><value>a &lt;b&gt; &amp; c</value>");
    let id = inner(&xml, "vpcId").to_owned();
    let (_, xml, _) = handle(&sim, &format!("Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1={id}"), None);
    assert_eq!(inner(inner(&xml, "vpcSet"), "vpcId"), id);
    let (_, xml, _) = handle(&sim, &format!("Action=DeleteVpc&Version=2016-11-15&VpcId={id}"), None);
    assert_eq!(inner(&xml, "return"), "true");
}

#[test]
fn both_doors_lead_to_one_world_and_say_the_same() {
    let sim = Sim::new("eu-central-1");
    let params = json!({"GroupName": "web", "Description": "d"});
    let group = text(&sim.call(&Request::new("CreateSecurityGroup", params)).unwrap(), "GroupId");
    let form = format!(
        "Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId={group}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443\
         &IpPermissions.1.ToPort=443&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.Groups.1.GroupId={group}"
    );
    let (status, xml, _) = handle(&sim, &form, None);
    assert_eq!(status, 200, "{xml}");
    let shown = sim.call(&Request::new("DescribeSecurityGroupRules", json!({"Filters": filter("group-id", &group)}))).unwrap();
    assert_eq!(count(&shown, "SecurityGroupRules"), 3);
    let rule = inner(inner(&xml, "securityGroupRuleSet"), "securityGroupRuleId");
    assert!(shown.to_string().contains(rule) && !rule.is_empty());
}

#[test]
fn refusals_come_in_ec2s_envelope() {
    let sim = Sim::new("eu-central-1");
    let refused = |form: &str| {
        let (status, xml, _) = handle(&sim, form, None);
        (status, inner(inner(inner(&xml, "Response"), "Errors"), "Code").to_owned())
    };
    assert_eq!(refused("Action=DeleteVpc&VpcId=vpc-00000000000000000"), (400, "InvalidVpcID.NotFound".into()));
    assert_eq!(refused("Action=CreateVpc"), (400, "MissingParameter".into()));
    assert_eq!(refused("Action=CreateVpc&Colour=red"), (400, "UnknownParameter".into()));
    assert_eq!(refused("Action=CreateCastle"), (400, "InvalidAction".into()));
    assert_eq!(refused("Action=DescribeVpcs&MaxResults=3"), (400, "InvalidParameterValue".into()));
    assert_eq!(refused("Action=DescribeVpcs&DryRun=true"), (412, "DryRunOperation".into()));
    sim.fault(Fault::next("DescribeVpcs", FaultKind::Throttle));
    assert_eq!(refused("Action=DescribeVpcs"), (503, "RequestLimitExceeded".into()));
}

#[test]
fn sts_says_who_is_asking() {
    let (status, xml, _) = handle(&Sim::new("eu-central-1"), "Action=GetCallerIdentity&Version=2011-06-15", None);
    assert_eq!((status, inner(inner(&xml, "GetCallerIdentityResult"), "Account")), (200, ACCOUNT));
}

/// Everything that comes back for a request.
async fn exchange(listener: &str, region: &str, form: &str) -> String {
    exchange_as(listener, ("KEY", region), form).await
}

async fn exchange_as(listener: &str, (key, region): (&str, &str), form: &str) -> String {
    let mut stream = TcpStream::connect(listener).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: ec2\r\nConnection: close\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/ec2/aws4_request, Signature=00\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    drop(stream.read_to_string(&mut answer).await);
    answer
}

#[tokio::test]
async fn a_socket_serves_every_region_and_account_until_it_is_told_to_stop() {
    let sim = Arc::new(Sim::new("eu-central-1"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(Arc::clone(&sim), listener, async { drop(stopped.await) }));
    let create = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16";
    assert!(exchange(&at, "eu-central-1", create).await.starts_with("HTTP/1.1 200 OK"));
    assert!(exchange(&at, "eu-west-99", create).await.contains("AuthFailure"));
    assert!(exchange(&at, "eu-west-1", create).await.contains(ACCOUNT));
    let role = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::222222222222:role/net&RoleSessionName=secnet";
    let assumed = exchange(&at, "eu-central-1", role).await;
    let key = inner(inner(&assumed, "AssumeRoleResult"), "AccessKeyId").to_owned();
    let other = exchange_as(&at, (&key, "eu-central-1"), create).await;
    assert_eq!((inner(&other, "ownerId"), other.contains(ACCOUNT)), ("222222222222", false));
    sim.fault(Fault::next("CreateVpc", FaultKind::LostAnswer));
    assert_eq!(exchange(&at, "eu-central-1", create).await, "");
    assert_eq!(sim.world(|w| w.vpcs.len()), 3);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}
