//! A flow log: what passed a VPC, a subnet or an interface, written down.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::endpoint, diagnostic::Sink},
    call::{Arg, Call, Json},
    declared,
    registry::{Listing, Observed, ResourceType},
    resource,
    resources::{
        network_interface::NetworkInterface,
        placement,
        read::{Reader, text},
        subnet::Subnet,
        vpc::Vpc,
    },
    schema::{
        attr::{Kind, Ref, Val, Word, Words},
        model::Model,
        value::{Record, Value},
    },
};

resource! {
    /// Writes down which packets passed a VPC, a subnet or an interface and which were refused, minutes after they did.
    ///
    /// It takes no part in what passes. Nothing about it can be changed in place.
    FlowLog = "flow_log" {
        /// The VPC whose packets are written down; one of `vpc`, `subnet` and `network_interface` is written.
        vpc: Option<Ref<Vpc>>, Replace;
        /// The subnet whose packets are written down.
        subnet: Option<Ref<Subnet>>, Replace;
        /// The interface whose packets are written down.
        network_interface: Option<Ref<NetworkInterface>>, Replace;
        /// Which packets: `"ACCEPT"` that passed, `"REJECT"` that were refused, or `"ALL"`.
        traffic_type: Val<Word<Traffic>> = Value::text("ALL"), Replace;
        /// Where to: `"cloud-watch-logs"`, `"s3"` or `"kinesis-data-firehose"`.
        log_destination_type: Val<Word<Destinations>> = Value::text("cloud-watch-logs"), Replace;
        /// The ARN of the bucket, delivery stream or log group.
        log_destination: Option<Val<Arc<str>>>, Replace;
        /// The name of the log group, in the place of its ARN.
        log_group_name: Option<Val<Arc<str>>>, Replace;
        /// The ARN of the role that may write to CloudWatch Logs, which needs one.
        deliver_logs_permission_arn: Option<Val<Arc<str>>>, Replace;
        /// For how many seconds packets are gathered at most: 60 or 600.
        max_aggregation_interval: Val<i64> = Value::Int(600), Replace;
        /// The fields of a line, such as `"$${srcaddr} $${dstaddr} $${action}"`; AWS's own where it is not written.
        log_format: Option<Val<Arc<str>>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Which packets are written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic;

impl Words for Traffic {
    const ALL: &'static [&'static str] = &["ALL", "ACCEPT", "REJECT"];
}

/// Where they are written to.
#[derive(Debug, Clone, PartialEq)]
pub struct Destinations;

impl Words for Destinations {
    const ALL: &'static [&'static str] = &["cloud-watch-logs", "s3", "kinesis-data-firehose"];
}

/// What it may be on: attribute, `ResourceType`, prefix of ids.
const ON: [(&str, &str, &str); 3] =
    [("vpc", "VPC", "vpc-"), ("subnet", "Subnet", "subnet-"), ("network_interface", "NetworkInterface", "eni-")];

impl ResourceType for FlowLog {
    declared!();

    const EXAMPLE: &'static str = r#"flow_log main {
  vpc                  = vpc.main
  log_destination_type = "s3"
  log_destination      = "arn:aws:s3:::example-flow-logs"
}

flow_log refused {
  subnet                      = subnet.public
  traffic_type                = "REJECT"
  log_group_name              = "/vpc/refused"
  deliver_logs_permission_arn = "arn:aws:iam::123456789012:role/flow-logs"
  max_aggregation_interval    = 60
}
"#;

    const ID_PREFIX: &'static str = "fl-";
    const UNSEEN: bool = true;
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["vpc", "log_destination"]), ("", &["vpc", "log_group_name"]), ("", &["subnet", "log_destination"]), ("", &["subnet", "log_group_name"]), ("", &["network_interface", "log_destination"]), ("", &["network_interface", "log_group_name"])];
    const TAG_TYPE: Option<&'static str> = Some("vpc-flow-log");
    const CREATED_ID: &'static [&'static str] = &["FlowLogIds", "0"];
    const LISTING: Listing = Listing::new("DescribeFlowLogs", &["FlowLogs"], "FlowLogId", "flow-log-id", Some(1000));
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for log in placement::managed(model, Self::KIND) {
            let written = |name: &&str| !matches!(log.record.get(*name), None | Some(Value::Null));
            let on: Vec<&str> = ON.iter().map(|(name, ..)| *name).filter(written).collect();
            if on.len() != 1 {
                let at = on.get(1).map_or(log.span, |name| log.span_of(name));
                sink.push(endpoint::flow_log_on(&log.address, &on, at));
            }
            let (group, role) = (written(&"log_group_name"), written(&"deliver_logs_permission_arn"));
            let to = log.record.get("log_destination_type").and_then(Value::as_text).unwrap_or_default();
            let destination = written(&"log_destination");
            let (wrong, help) = match to {
                "cloud-watch-logs" if group == destination => {
                    ("it needs the log group that it writes to, once", "write `log_group_name`, or `log_destination` with its ARN")
                }
                "cloud-watch-logs" if !role => ("it needs a role to write to CloudWatch Logs", "write `deliver_logs_permission_arn`"),
                "cloud-watch-logs" => ("", ""),
                _ if !destination => ("it needs a place to write to", "write `log_destination` with the ARN of the bucket or stream"),
                _ if group => ("a log group belongs to CloudWatch Logs", "remove `log_group_name`"),
                "s3" if role => ("a role is for CloudWatch Logs and Firehose", "remove `deliver_logs_permission_arn`"),
                _ => ("", ""),
            };
            if !wrong.is_empty() {
                sink.push(endpoint::flow_log_to(&log.address, wrong, help, log.span));
            }
            if let Some(Value::Int(seconds)) = log.record.get("max_aggregation_interval").filter(|v| !matches!(v, Value::Int(60 | 600))) {
                sink.push(endpoint::flow_log_interval(*seconds, log.span_of("max_aggregation_interval")));
            }
        }
    }

    fn create(&self, _at: &Address) -> Vec<Call> {
        let or_null = |arg: Option<Arg>| arg.unwrap_or(Arg::Known(Json::Null));
        let on = [self.vpc.as_ref().map(Ref::arg), self.subnet.as_ref().map(Ref::arg), self.network_interface.as_ref().map(Ref::arg)];
        let (kind, id) = ON.iter().zip(on).find_map(|((_, kind, _), id)| Some((*kind, id?))).unwrap_or(("VPC", Arg::Known(Json::Null)));
        let params = [
            ("ResourceType", Arg::text(kind)),
            ("ResourceIds", Arg::List(vec![id])),
            ("TrafficType", self.traffic_type.arg()),
            ("LogDestinationType", self.log_destination_type.arg()),
            ("LogDestination", or_null(self.log_destination.as_ref().map(Val::arg))),
            ("LogGroupName", or_null(self.log_group_name.as_ref().map(Val::arg))),
            ("DeliverLogsPermissionArn", or_null(self.deliver_logs_permission_arn.as_ref().map(Val::arg))),
            ("MaxAggregationInterval", self.max_aggregation_interval.arg()),
            ("LogFormat", or_null(self.log_format.as_ref().map(Val::arg))),
        ];
        vec![Call::new("CreateFlowLogs", params).tagged("vpc-flow-log").with_token()]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        let gone = ["InvalidFlowLogId.NotFound"];
        vec![Call::new("DeleteFlowLogs", [("FlowLogIds", Arg::List(vec![Arg::id(at)]))]).satisfied_by(&gone)]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let resource = text(item, &["ResourceId"])?;
        let on = ON.iter().find(|(_, _, prefix)| resource.starts_with(prefix)).map_or("vpc", |(name, ..)| name);
        Reader::new(item)
            .value(on, Some(Value::text(resource)))
            .text("traffic_type", &["TrafficType"])
            .text("log_destination_type", &["LogDestinationType"])
            .text("log_destination", &["LogDestination"])
            .text("log_group_name", &["LogGroupName"])
            .text("deliver_logs_permission_arn", &["DeliverLogsPermissionArn"])
            .int("max_aggregation_interval", &["MaxAggregationInterval"])
            .text("log_format", &["LogFormat"])
            .done(&["FlowLogId"], vec![])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, network, reference, resource};

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = json!({"FlowLogId": "fl-1", "ResourceId": "subnet-1", "TrafficType": "ALL", "LogDestinationType": "s3",
            "LogDestination": "arn:aws:s3:::a", "MaxAggregationInterval": 60, "LogFormat": "x"});
        let record = FlowLog::observe(&item).expect("it stands").record;
        assert_eq!((&record["subnet"], record.get("vpc")), (&Value::text("subnet-1"), None));
        assert_eq!(record["max_aggregation_interval"], Value::Int(60));
    }

    #[test]
    fn it_is_on_one_thing_and_writes_to_one_place() {
        let log = |more: &[(&str, Value)]| complaints(&network([resource("flow_log.a", more)]));
        let (vpc, bucket) = (("vpc", reference("vpc.main")), ("log_destination", Value::text("arn:aws:s3:::a")));
        let to_s3 = ("log_destination_type", Value::text("s3"));
        assert_eq!(log(&[vpc.clone(), bucket.clone(), to_s3.clone()]), [""; 0]);
        assert_eq!(log(&[bucket.clone(), to_s3]), ["E0342 `flow_log.a` is on nothing"]);
        assert_eq!(log(&[vpc, bucket]), ["E0342 `flow_log.a` cannot write: it needs a role to write to CloudWatch Logs"]);
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        FlowLog(
            creation_time, deliver_logs_error_message, deliver_logs_permission_arn, deliver_logs_status, flow_log_id, flow_log_status,
            log_destination, log_destination_type, log_format, log_group_name, max_aggregation_interval, resource_id, tags, traffic_type,
        );
    }

    words! { FlowLogsResourceType, LogDestinationType, TrafficType }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateFlowLogs: create_flow_logs(
            set_client_token, set_deliver_logs_permission_arn, set_log_destination, set_log_destination_type, set_log_format,
            set_log_group_name, set_max_aggregation_interval, set_resource_ids, set_resource_type, set_tag_specifications, set_traffic_type,
        ) -> (client_token, flow_log_ids, unsuccessful)),
        action!(DeleteFlowLogs: delete_flow_logs(set_flow_log_ids) -> (unsuccessful)),
        // Like that of NAT gateways, a listing whose parameter the API calls `Filter`.
        action!(DescribeFlowLogs: describe_flow_logs(set_filter as Filters, set_flow_log_ids, set_max_results, set_next_token)
            -> (flow_logs, next_token)),
    ];
}
