//! From what an instance is launched, and where it stands then. Layer 3.
//!
//! Whatever is known of it is in the call too: EC2 takes what the call says over what the template says
//! (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>, `LaunchTemplate`). But of a template with groups
//! apart from an interface and a call with an interface, or the other way about, it takes neither.

use serde_json::json;

use crate::{
    base::{codes::network, diagnostic::Sink},
    call::{Arg, Json},
    net::{
        Net,
        desired::{self, Desired},
    },
    registry::Inherits,
    resources::{
        further,
        instance::Instance,
        launch_template,
        read::{list, text},
    },
    schema::{
        attr::{Ref, Val},
        model::{Model, Resource},
        value::Value,
    },
};

pub(super) const INHERITS: Inherits = Inherits {
    by: "launch_template",
    attrs: launch_template::SAYS,
    needs: &["image", "instance_type"],
    instead: ("network_interface", &["subnet", "security_groups", "associate_public_ip_address"]),
    says: ("on_template_interface", &["subnet", "associate_public_ip_address"]),
};

/// What can be said on an interface only.
const OF_INTERFACE: [&str; 3] = ["network_interface", "network_interfaces", "associate_public_ip_address"];

pub(super) fn check(instance: &Resource, model: &Model, sink: &mut Sink) {
    let has = |name: &str| instance.record.get(name).is_some_and(|v| *v != Value::Null);
    for name in INHERITS.needs.iter().filter(|name| !has(name)) {
        sink.push(network::nothing_to_launch(&instance.address, name, instance.span));
    }
    let template = instance.reference("launch_template").and_then(|address| model.resources.get(address));
    let Some(template) = template.filter(|template| !template.existing) else {
        if has("launch_template_version") && !has("launch_template") {
            let at = instance.span_of("launch_template_version");
            sink.push(network::version_of_sources(&instance.address, None, at));
        }
        return;
    };
    if has("launch_template_version") {
        let at = instance.span_of("launch_template_version");
        sink.push(network::version_of_sources(&instance.address, Some(&template.address), at));
    }
    // What it has inherited is the template's own.
    let apart = instance.record.get("on_template_interface") == Some(&Value::Bool(false));
    if let Some(name) = OF_INTERFACE.into_iter().find(|name| apart && has(name)) {
        sink.push(network::groups_apart(name, instance.span_of(name), &template.address, template.span_of("security_groups")));
    }
}

/// What comes from a template that is only read, and that nobody has drawn.
pub(super) fn unread(this: &Resource, desired: &Desired<'_>, net: &mut Net) {
    let template = desired.reference(this, "launch_template").and_then(|id| desired.resource(&id));
    let Some(template) = template.filter(|template| template.existing) else { return };
    let is_default = match (this.record.get("launch_template_version"), desired.value(template, "default_version_number")) {
        (None | Some(Value::Null), _) => true,
        (Some(written), told) => told == Some(written),
    };
    let says_public = this.record.get("associate_public_ip_address").is_some_and(|v| *v != Value::Null);
    let public = says_public || this.reference("network_interface").is_some();
    let gives_none = is_default && (public || desired.value(template, "associate_public_ip_address").is_none());
    let one = !desired.is(template, "several_network_interfaces", false);
    // What stands is read where it stands.
    let stands = desired.value(this, "network_interface_id").is_some();
    if !(stands || gives_none && one) {
        let on_interface = || desired.reference(desired.resource(&desired.reference(this, "network_interface")?)?, "subnet");
        let vpc = desired.reference(this, "subnet").or_else(on_interface).and_then(|subnet| desired.vpc_of(&subnet));
        // Where even the VPC is not known, it may be any.
        let vpcs = vpc.map_or_else(|| desired.of_kind("vpc").map(|vpc| desired::id(&vpc.address)).collect(), |vpc| vec![vpc]);
        let what = "a VPC with an instance whose template may give it interfaces";
        vpcs.iter().for_each(|vpc| net.unread(vpc, what, desired::origin(this)));
    }
}

/// What EC2 tells by a tag of its own: the `id` or the `version` of the template.
pub(super) fn told<'j>(item: &'j Json, what: &str) -> Option<&'j str> {
    let key = format!("aws:ec2launchtemplate:{what}");
    let tag = list(item, &["Tags"]).iter().find(|tag| text(tag, &["Key"]) == Some(&key))?;
    text(tag, &["Value"])
}

impl Instance {
    /// Each change of a template of the project makes its newest version the default one.
    pub(super) fn template(&self) -> Arg {
        let Some(template) = &self.launch_template else { return Arg::Known(Json::Null) };
        let version = self.launch_template_version.as_ref().map_or_else(|| Arg::text("$Default"), |n| Arg::Concat(vec![n.arg()]));
        Arg::map([("LaunchTemplateId", template.arg()), ("Version", version)])
    }

    /// Where it stands: said by its interface, unless its template says it apart from one.
    pub(super) fn place(&self) -> Vec<(&'static str, Arg)> {
        let on_interface = self.network_interface.is_some()
            || self.network_interfaces.is_some()
            || self.associate_public_ip_address.is_some()
            || self.on_template_interface.as_ref().is_some_and(|on| on.value == Value::Bool(true));
        if self.launch_template.is_none() || on_interface {
            let interfaces = std::iter::once(self.primary_interface()).chain(self.further_interfaces()).collect();
            return vec![("NetworkInterfaces", Arg::List(interfaces))];
        }
        let null = || Arg::Known(Json::Null);
        let params = [
            ("SubnetId", self.subnet.as_ref().map_or_else(null, Ref::arg)),
            ("SecurityGroupIds", self.groups()),
            ("PrivateIpAddress", self.private_ip_address.as_ref().map_or_else(null, Val::arg)),
        ];
        params.into_iter().chain(self.ipv6()).collect()
    }

    fn groups(&self) -> Arg {
        let null = || Arg::Known(Json::Null);
        self.security_groups.as_ref().map_or_else(null, |groups| Arg::List(groups.0.iter().map(Ref::arg).collect()))
    }

    fn ipv6(&self) -> impl Iterator<Item = (&'static str, Arg)> {
        let six = self.ipv6_addresses.as_ref().map(|six| six.0.iter().map(|ip| ip.value.clone()).collect::<Vec<_>>());
        further::ipv6_params(six.as_deref(), self.ipv6_address_count.as_ref().map(Val::arg)).into_iter()
    }

    fn further_interfaces(&self) -> impl Iterator<Item = Arg> {
        let cards = self.network_interfaces.iter().flat_map(|cards| &cards.0).zip(1..);
        cards.map(|(card, index): (_, i64)| Arg::map([("DeviceIndex", Arg::Known(index.into())), ("NetworkInterfaceId", card.arg())]))
    }

    fn primary_interface(&self) -> Arg {
        if let Some(interface) = &self.network_interface {
            return Arg::map([("DeviceIndex", Arg::Known(json!(0))), ("NetworkInterfaceId", interface.arg())]);
        }
        let null = || Arg::Known(Json::Null);
        let params = [
            ("DeviceIndex", Arg::Known(json!(0))),
            ("SubnetId", self.subnet.as_ref().map_or_else(null, Ref::arg)),
            ("Groups", self.groups()),
            ("PrivateIpAddress", self.private_ip_address.as_ref().map_or_else(null, Val::arg)),
            ("AssociatePublicIpAddress", self.associate_public_ip_address.as_ref().map_or_else(null, Val::arg)),
            ("DeleteOnTermination", Arg::Known(json!(true))),
        ];
        Arg::map(params.into_iter().chain(self.ipv6()))
    }
}

