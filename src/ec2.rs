//! The boundary to the AWS SDK. Layer 1: knows no resource.
//!
//! An action is one line: its name, the SDK's operation, the setters of the parameters it takes and the members of its
//! answer. Names in JSON follow from the SDK's: `set_cidr_block` takes `CidrBlock`, `vpc_id` gives `VpcId`.
//! A parameter that a line does not list is refused, so none can get lost on the way.

use crate::call::{Answer, Json};

pub mod account;
pub mod answer;
pub mod connection;
pub mod dry_run;
pub mod failure;
pub mod param;
pub mod quotas;
pub mod tag;

/// The SDK's clients that actions go through.
#[derive(Debug, Clone)]
pub struct Client {
    /// For EC2.
    pub ec2: aws_sdk_ec2::Client,
    /// For STS, which knows who is asking.
    pub sts: aws_sdk_sts::Client,
    /// For Service Quotas, which knows what an account may hold.
    pub servicequotas: quotas::Client,
    /// Where they send to, as a person knows it: `EC2 in region us-east-1`.
    pub place: String,
    /// Whether what goes through them may change something.
    pub changes: bool,
}

/// How one EC2 action goes through the SDK: parameters in, answer out, both in the shape of the EC2 API reference.
pub struct Action {
    /// `CreateVpc`
    pub name: &'static str,
    /// Sends it.
    pub send: for<'a> fn(&'a Client, &'a Json) -> Answer<'a>,
}

/// An [`Action`] of EC2: `action!(CreateVpc: create_vpc(set_cidr_block, set_tag_specifications) -> (vpc))`.
///
/// `set_filter as Filters` takes the member `Filters`, where the setter's own name says something else.
#[macro_export]
macro_rules! action {
    ($name:ident: $operation:ident($($setter:ident $(as $alias:ident)?),* $(,)?) -> ($($member:ident),*)) => {
        $crate::action!(ec2 $name: $operation($($setter $(as $alias)?),*) -> ($($member),*))
    };
    ($service:ident $name:ident: $operation:ident($($setter:ident $(as $alias:ident)?),* $(,)?) -> ($($member:ident),*)) => {
        $crate::ec2::Action {
            name: stringify!($name),
            send: |client, params| {
                Box::pin(async move {
                    #[allow(unused_mut, reason = "some actions take no parameters")]
                    let mut given = $crate::ec2::param::Members::of(params).map_err(|wrong| wrong.of(stringify!($name)))?;
                    let request = client.$service.$operation()
                        $(.$setter(given.take([$(stringify!($alias),)? stringify!($setter)][0]).map_err(|wrong| wrong.of(stringify!($name)))?))*;
                    given.done().map_err(|wrong| wrong.of(stringify!($name)))?;
                    match request.send().await {
                        Ok(answer) => Ok($crate::ec2::answer::of_request(
                            aws_sdk_ec2::operation::RequestId::request_id(&answer),
                            $crate::ec2::answer::object([$((stringify!($member), $crate::ec2::answer::ToJson::to_json(&answer.$member))),*]),
                        )),
                        Err(error) => Err($crate::ec2::failure::api_error(&error, client)),
                    }
                })
            },
        }
    };
}

/// `vpc_id` or `set_vpc_id` as the EC2 API reference spells it: `VpcId`.
fn api_name(rust: &str) -> String {
    let asked = rust.starts_with("set_");
    let rust = rust.strip_prefix("set_").or_else(|| rust.strip_prefix("r#")).unwrap_or(rust);
    let word = |word: &str| {
        // What is not spelled as a word: a kind of DNS record, Diffie-Hellman, and two that answers spell as words.
        if matches!(word, "aaaa" | "dh") || (asked && matches!(word, "dpd" | "ike")) {
            return word.to_ascii_uppercase();
        }
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    rust.split('_').map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::api_name;

    #[test]
    fn names_are_those_of_the_api_reference() {
        assert_eq!(api_name("set_cidr_block"), "CidrBlock");
        assert_eq!(api_name("ipv6_cidr_block_association_set"), "Ipv6CidrBlockAssociationSet");
        assert_eq!(api_name("r#type"), "Type");
        assert_eq!(api_name("phase1_dh_group_numbers"), "Phase1DHGroupNumbers");
        assert_eq!((api_name("set_ike_versions"), api_name("ike_versions")), ("IKEVersions".into(), "IkeVersions".into()));
        assert_eq!(api_name("enable_resource_name_dns_aaaa_record"), "EnableResourceNameDnsAAAARecord");
    }
}
