//! A set of DHCP options: what the machines of a VPC are told when they ask for their address.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDhcpOptions.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html>

use std::sync::Arc;

use crate::{
    base::address::Address,
    call::{Arg, Call, Json},
    declared,
    registry::{Listing, Observed, ResourceType},
    resource,
    resources::read::{Reader, list, text},
    schema::{
        attr::{List, Val},
        value::{Record, Value},
    },
};

resource! {
    /// What DHCP tells the machines of a VPC: their domain and who resolves names, tells the time and knows NetBIOS names.
    ///
    /// It holds for the VPCs that name it in `dhcp_options`. EC2 changes none: another set is made and takes its place, and
    /// machines learn of it when they next renew their lease.
    DhcpOptions = "dhcp_options" {
        /// The domain in which machines look for names without a dot.
        domain_name: Option<Val<Arc<str>>>, Replace;
        /// Who resolves names: up to four addresses, or `"AmazonProvidedDNS"` for the VPC's own resolver.
        domain_name_servers: List<Val<Arc<str>>> = Value::List(vec![]), Replace;
        /// Who tells the time: up to eight addresses.
        ntp_servers: List<Val<Arc<str>>> = Value::List(vec![]), Replace;
        /// Who knows NetBIOS names: up to four addresses.
        netbios_name_servers: List<Val<Arc<str>>> = Value::List(vec![]), Replace;
        /// How NetBIOS names are asked for: 1, 2, 4 or 8. AWS advises 2, since broadcast does not work in a VPC.
        netbios_node_type: Option<Val<i64>>, Replace;
        /// How long, in seconds, an IPv6 address is held without being renewed; 140 where it is not written.
        ipv6_address_preferred_lease_time: Option<Val<i64>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Each attribute, and the option that it is.
const OPTIONS: [(&str, &str); 6] = [
    ("domain_name", "domain-name"),
    ("domain_name_servers", "domain-name-servers"),
    ("ntp_servers", "ntp-servers"),
    ("netbios_name_servers", "netbios-name-servers"),
    ("netbios_node_type", "netbios-node-type"),
    ("ipv6_address_preferred_lease_time", "ipv6-address-preferred-lease-time"),
];

impl ResourceType for DhcpOptions {
    declared!();

    const EXAMPLE: &'static str = r#"dhcp_options office {
  domain_name         = "corp.example.com"
  domain_name_servers = ["10.0.0.2", "10.0.1.2"]
  ntp_servers         = ["169.254.169.123"]
}

vpc office {
  cidr_block   = 10.0.0.0/16
  dhcp_options = dhcp_options.office
}
"#;

    const ID_PREFIX: &'static str = "dopt-";
    const UNSEEN: bool = true;
    const TAG_TYPE: Option<&'static str> = Some("dhcp-options");
    const CREATED_ID: &'static [&'static str] = &["DhcpOptions", "DhcpOptionsId"];
    const CREATE_FIRST: bool = true;
    const LISTING: Listing = Listing::new("DescribeDhcpOptions", &["DhcpOptions"], "DhcpOptionsId", "dhcp-options-id", Some(1000));
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn create(&self, _at: &Address) -> Vec<Call> {
        let one = |val: &Option<Val<Arc<str>>>| val.iter().map(Val::arg).collect::<Vec<_>>();
        // EC2 takes numbers as texts here.
        let number = |val: &Option<Val<i64>>| val.iter().map(|v| Arg::Concat(vec![v.arg()])).collect::<Vec<_>>();
        let many = |list: &List<Val<Arc<str>>>| list.0.iter().map(Val::arg).collect::<Vec<_>>();
        let values = [
            one(&self.domain_name),
            many(&self.domain_name_servers),
            many(&self.ntp_servers),
            many(&self.netbios_name_servers),
            number(&self.netbios_node_type),
            number(&self.ipv6_address_preferred_lease_time),
        ];
        let options = OPTIONS.iter().zip(values).filter(|(_, values)| !values.is_empty());
        let options = options.map(|((_, key), values)| Arg::map([("Key", Arg::text(*key)), ("Values", Arg::List(values))]));
        vec![Call::new("CreateDhcpOptions", [("DhcpConfigurations", Arg::List(options.collect()))]).tagged("dhcp-options")]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteDhcpOptions", [("DhcpOptionsId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        let values = |key: &str| -> Vec<Value> {
            let found = list(item, &["DhcpConfigurations"]).iter().find(|option| text(option, &["Key"]) == Some(key));
            let texts = found.into_iter().flat_map(|option| list(option, &["Values"])).filter_map(|value| text(value, &["Value"]));
            texts.map(Value::text).collect()
        };
        let is_list = |name: &str| name.ends_with("_servers");
        let number = |value: Value| value.as_text().and_then(|t| t.parse().ok()).map_or(value.clone(), Value::Int);
        OPTIONS
            .iter()
            .fold(Reader::new(item), |reader, (name, key)| match values(key) {
                all if is_list(name) => reader.value(name, Some(Value::List(all))),
                // What is not there is told as such: it is nothing that EC2 would choose.
                all => reader.value(name, Some(all.into_iter().next().map_or(Value::Null, |v| if *name == "domain_name" { v } else { number(v) }))),
            })
            .done(&["DhcpOptionsId"], vec![])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::list;

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let option = |key, values: &[&str]| json!({"Key": key, "Values": values.iter().map(|v| json!({"Value": v})).collect::<Vec<_>>()});
        let item = json!({"DhcpOptionsId": "dopt-1", "DhcpConfigurations": [
            option("domain-name", &["corp.example.com"]), option("domain-name-servers", &["10.0.1.2", "10.0.0.2"]),
            option("netbios-node-type", &["2"]),
        ]});
        let record = DhcpOptions::observe(&item).expect("it stands").record;
        assert_eq!(record["domain_name_servers"], list(["10.0.1.2", "10.0.0.2"].map(Value::text)));
        assert_eq!((&record["netbios_node_type"], &record["ntp_servers"]), (&Value::Int(2), &list([])));
        assert_eq!((&record["domain_name"], &record["ipv6_address_preferred_lease_time"]), (&Value::text("corp.example.com"), &Value::Null));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, taken};

    shown! {
        DhcpOptions(dhcp_configurations, dhcp_options_id, owner_id, tags);
        DhcpConfiguration(key, values);
    }

    taken! {
        NewDhcpConfiguration(set_key, set_values);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateDhcpOptions: create_dhcp_options(set_dhcp_configurations, set_tag_specifications) -> (dhcp_options)),
        action!(DeleteDhcpOptions: delete_dhcp_options(set_dhcp_options_id) -> ()),
        action!(DescribeDhcpOptions: describe_dhcp_options(set_dhcp_options_ids, set_filters, set_max_results, set_next_token)
            -> (dhcp_options, next_token)),
    ];
}
