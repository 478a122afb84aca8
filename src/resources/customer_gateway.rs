//! A customer gateway: what AWS knows of the other end of a VPN.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCustomerGateway.html>

use std::{net::IpAddr, sync::Arc};

use crate::{
    base::address::Address,
    call::{Arg, Call, Json},
    declared,
    registry::{Listing, Observed, ResourceType},
    resource,
    resources::read::{Reader, text},
    schema::{
        attr::Val,
        value::{Record, Value},
    },
};

resource! {
    /// The device at the other end of a VPN, as AWS knows it.
    ///
    /// It makes nothing reachable by itself, and nothing about it can be changed in place. EC2 gives back the one that
    /// it has where all of this is said a second time.
    CustomerGateway = "customer_gateway" {
        /// Its number in BGP, from 1 to 4294967295; 65000 will do where there is no BGP.
        bgp_asn: Val<i64> = Value::Int(65000), Replace;
        /// Its public address. With a certificate it may be left out.
        ip_address: Option<Val<IpAddr>>, Replace;
        /// What it is called.
        device_name: Option<Val<Arc<str>>>, Replace;
        /// The ARN of the certificate that it shows.
        certificate_arn: Option<Val<Arc<str>>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for CustomerGateway {
    declared!();

    const EXAMPLE: &'static str = r#"customer_gateway office {
  bgp_asn    = 65010
  ip_address = 198.51.100.9
}
"#;

    const ID_PREFIX: &'static str = "cgw-";
    const UNSEEN: bool = true;
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["bgp_asn", "ip_address"]), ("", &["bgp_asn", "certificate_arn"])];
    const TAG_TYPE: Option<&'static str> = Some("customer-gateway");
    const CREATED_ID: &'static [&'static str] = &["CustomerGateway", "CustomerGatewayId"];
    const LISTING: Listing =
        Listing::new("DescribeCustomerGateways", &["CustomerGateways"], "CustomerGatewayId", "customer-gateway-id", None);
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn create(&self, _at: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        // The older parameter takes 31 bits.
        let long = self.bgp_asn.known.is_some_and(|asn| i32::try_from(asn).is_err());
        let params = [
            ("Type", Arg::text("ipsec.1")),
            (if long { "BgpAsnExtended" } else { "BgpAsn" }, self.bgp_asn.arg()),
            ("IpAddress", self.ip_address.as_ref().map_or_else(null, Val::arg)),
            ("DeviceName", self.device_name.as_ref().map_or_else(null, Val::arg)),
            ("CertificateArn", self.certificate_arn.as_ref().map_or_else(null, Val::arg)),
        ];
        vec![Call::new("CreateCustomerGateway", params).tagged("customer-gateway")]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteCustomerGateway", [("CustomerGatewayId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted")) {
            return None;
        }
        let told = text(item, &["BgpAsnExtended"]).or(text(item, &["BgpAsn"]));
        Reader::new(item)
            .value("bgp_asn", told.and_then(|asn| asn.parse().ok()).map(Value::Int))
            .ip("ip_address", &["IpAddress"])
            .text("device_name", &["DeviceName"])
            .text("certificate_arn", &["CertificateArn"])
            .done(&["CustomerGatewayId"], vec![])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::net;

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state| json!({"CustomerGatewayId": "cgw-1", "State": state, "BgpAsn": "65010", "IpAddress": "198.51.100.9", "Type": "ipsec.1"});
        let record = CustomerGateway::observe(&item("available")).expect("it stands").record;
        assert_eq!((&record["bgp_asn"], &record["ip_address"]), (&Value::Int(65010), &net("198.51.100.9")));
        assert_eq!(CustomerGateway::observe(&item("deleted")), None);
    }

    #[test]
    fn a_number_of_32_bits_goes_by_the_newer_parameter() {
        let call = |asn: i64| {
            let record = Record::from([("bgp_asn".into(), Value::Int(asn)), ("ip_address".into(), net("198.51.100.9"))]);
            CustomerGateway::decode(&record).expect("it fits").create(&Address::new("customer_gateway", "a")).remove(0)
        };
        assert!(call(65010).params.contains_key("BgpAsn"));
        assert!(call(4_200_000_000).params.contains_key("BgpAsnExtended"));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown};

    shown! {
        CustomerGateway(bgp_asn, bgp_asn_extended, certificate_arn, customer_gateway_id, device_name, ip_address, state, tags, r#type);
    }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateCustomerGateway: create_customer_gateway(
            set_bgp_asn, set_bgp_asn_extended, set_certificate_arn, set_device_name, set_ip_address, set_tag_specifications, set_type,
        ) -> (customer_gateway)),
        action!(DeleteCustomerGateway: delete_customer_gateway(set_customer_gateway_id) -> ()),
        action!(DescribeCustomerGateways: describe_customer_gateways(set_customer_gateway_ids, set_filters) -> (customer_gateways)),
    ];
}
