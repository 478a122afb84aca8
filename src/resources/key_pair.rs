//! A key pair: ImportKeyPair and what belongs to it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html>

use std::sync::Arc;

use crate::{
    base::{address::Address, codes::network, diagnostic::Sink},
    call::{Arg, Call, Json},
    declared,
    registry::{Listing, Observed, ResourceType},
    resource,
    resources::{
        placement,
        read::{Reader, text},
    },
    schema::{
        attr::{Kind, Val},
        model::Model,
        value::{Record, Value},
    },
};

resource! {
    /// A public key that EC2 puts on instances when they start, for logging in over SSH.
    ///
    /// The private key never leaves its owner: secnet knows the public half alone.
    KeyPair = "key_pair" {
        /// The public key, as in `~/.ssh/id_ed25519.pub`. EC2 shows but a fingerprint of it, so a key that somebody
        /// replaced under the same name is not seen.
        public_key: Val<Arc<str>>, Replace;
        /// Its name in EC2, unique in the region; made from the resource's name where it is not written.
        key_name: Option<Val<Arc<str>>>, Replace;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

impl ResourceType for KeyPair {
    declared!();

    const EXAMPLE: &'static str = r#"key_pair maintainer {
  public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2BLpBDNYLkJUeVOCtb24hyOEpjpiZXGFhvI3BBWsJ1 maintainer"
}
"#;

    const ID_PREFIX: &'static str = "key-";
    const UNSEEN: bool = true;
    const UNTOLD: &'static [&'static str] = &["public_key"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("", &["key_name"])];
    const TAG_TYPE: Option<&'static str> = Some("key-pair");
    const CREATED_ID: &'static [&'static str] = &["KeyPairId"];
    const FILTERS: &'static [(&'static str, &'static str)] = &[("key_name", "key-name")];
    const LISTING: Listing = Listing::new("DescribeKeyPairs", &["KeyPairs"], "KeyPairId", "key-pair-id", None);
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        for pair in placement::managed(model, Self::KIND) {
            let key = pair.record.get("public_key").map(Value::inner).and_then(Value::as_text);
            if key.is_some_and(|key| key.contains("PRIVATE KEY")) {
                sink.push(network::private_key(pair.address.as_str(), pair.span));
            }
        }
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let generated = Arg::Concat(vec![Arg::text(format!("{}-", at.name())), Arg::OperationId(8)]);
        let name = self.key_name.as_ref().map_or(generated, Val::arg);
        let key = Arg::base64(self.public_key.arg());
        vec![Call::new("ImportKeyPair", [("KeyName", name), ("PublicKeyMaterial", key)]).tagged("key-pair")]
    }

    fn created(answer: &Json) -> Option<(String, Record)> {
        // Instances name a key by its name, so it must be known from the start.
        let name = text(answer, &["KeyName"]).map(|name| ("key_name".to_owned(), Value::text(name)));
        Some((text(answer, Self::CREATED_ID)?.to_owned(), name.into_iter().collect()))
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteKeyPair", [("KeyPairId", Arg::id(at))])]
    }

    fn observe(item: &Json) -> Option<Observed> {
        Reader::new(item).text("key_name", &["KeyName"]).done(&["KeyPairId"], vec![])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::resource;

    #[test]
    fn the_public_key_goes_out_in_base64_and_its_name_comes_back() {
        let key = resource("key_pair.ssh", &[("public_key", Value::text("ssh-ed25519 AAAA me"))]);
        let calls = KeyPair::decode(&key.record).expect("it fits").create(&key.address);
        assert_eq!(calls[0].params["PublicKeyMaterial"], Arg::text("c3NoLWVkMjU1MTkgQUFBQSBtZQ=="));
        let answer = json!({"KeyPairId": "key-1", "KeyName": "ssh-0a1b2c3d", "KeyFingerprint": "x"});
        let name = Record::from([("key_name".into(), Value::text("ssh-0a1b2c3d"))]);
        assert_eq!(KeyPair::created(&answer), Some(("key-1".into(), name)));
        assert_eq!(KeyPair::observe(&answer).expect("it stands").record["key_name"], Value::text("ssh-0a1b2c3d"));
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! { KeyPairInfo(create_time, key_fingerprint, key_name, key_pair_id, key_type, public_key, tags); }

    words! { KeyType }

    pub(super) const ACTIONS: &[Action] = &[
        action!(ImportKeyPair: import_key_pair(set_key_name, set_public_key_material, set_tag_specifications)
            -> (key_fingerprint, key_name, key_pair_id, tags)),
        action!(DeleteKeyPair: delete_key_pair(set_key_name, set_key_pair_id) -> ()),
        action!(DescribeKeyPairs: describe_key_pairs(set_filters, set_include_public_key, set_key_names, set_key_pair_ids) -> (key_pairs)),
    ];
}
