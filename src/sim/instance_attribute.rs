//! Attributes of instances, read and changed one at a time. Layer 8.

use serde_json::json;

use crate::{
    base::base64,
    call::{ApiError, Json},
    sim::{
        Actions,
        instance::{Instance, State, show_mappings},
        instance_type,
        network_interface::show_groups,
        params::Params,
        refuse::{Outcome, bad, clash, missing, refuse},
        world::{World, find, find_mut},
    },
};

const ATTRIBUTES: [&str; 8] = [
    "InstanceType",
    "UserData",
    "Groups",
    "SourceDestCheck",
    "DisableApiTermination",
    "DisableApiStop",
    "InstanceInitiatedShutdownBehavior",
    "EbsOptimized",
];

pub(crate) const ACTIONS: Actions = &[
    ("DescribeInstanceAttribute", describe_attribute, "InstanceId Attribute"),
    (
        "ModifyInstanceAttribute",
        modify,
        "InstanceId InstanceType UserData Groups SourceDestCheck DisableApiTermination DisableApiStop \
         InstanceInitiatedShutdownBehavior EbsOptimized Attribute Value",
    ),
    ("GetConsoleOutput", console, "InstanceId Latest"),
    (
        "ModifyInstanceMetadataOptions",
        modify_metadata,
        "InstanceId HttpTokens HttpPutResponseHopLimit HttpEndpoint HttpProtocolIpv6 InstanceMetadataTags",
    ),
];

fn describe_attribute(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceId")?;
    let instance = find(&world.instances, "i", id)?;
    let primary = world.interfaces_of(id).next().map(|(_, i)| i);
    let (name, value) = match p.need("Attribute")? {
        "instanceType" => ("InstanceType", json!({"Value": instance.kind})),
        "userData" => ("UserData", instance.user_data.as_ref().map_or_else(|| json!({}), |data| json!({"Value": data}))),
        "disableApiTermination" => ("DisableApiTermination", json!({"Value": instance.no_termination})),
        "disableApiStop" => ("DisableApiStop", json!({"Value": instance.no_stop})),
        "instanceInitiatedShutdownBehavior" => ("InstanceInitiatedShutdownBehavior", json!({"Value": instance.shutdown_behavior})),
        "ebsOptimized" => ("EbsOptimized", json!({"Value": instance.ebs_optimized})),
        "rootDeviceName" => ("RootDeviceName", json!({"Value": instance.root_device})),
        "sourceDestCheck" => ("SourceDestCheck", json!({"Value": primary.is_none_or(|i| i.source_dest_check)})),
        "groupSet" => ("Groups", primary.map_or_else(|| json!([]), |i| show_groups(world, &i.groups))),
        "blockDeviceMapping" => ("BlockDeviceMappings", show_mappings(world, instance)),
        other => return Err(refuse("UnsupportedOperation", format!("The sandbox does not model the attribute {other} of an instance."))),
    };
    Ok(json!({"InstanceId": id, name: value}))
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceId")?;
    find(&world.instances, "i", id)?;
    let mut given = ATTRIBUTES.into_iter().filter(|name| p.has(name));
    let (name, value) = match (given.next(), p.text("Attribute")) {
        (Some(name), None) => (name, p.value(name).cloned()),
        (None, Some(attribute)) => by_name(attribute, p.need("Value")?)?,
        (None, None) => return Err(missing("attribute")),
        (Some(_), Some(_)) => return Err(clash("Only one attribute of an instance can be modified by one request")),
    };
    if given.next().is_some() {
        return Err(clash("Only one attribute of an instance can be modified by one request"));
    }
    match name {
        "Groups" => groups(world, id, &p.texts("Groups"))?,
        "SourceDestCheck" => source_dest_check(world, id, value.as_ref().and_then(Json::as_bool))?,
        name => set(find_mut(&mut world.instances, "i", id)?, id, name, value.as_ref())?,
    }
    Ok(json!({}))
}

/// The older form, `Attribute` and `Value`.
fn by_name(attribute: &str, value: &str) -> Result<(&'static str, Option<Json>), ApiError> {
    let capital =
        |name: &&str| name.get(1..) == attribute.get(1..) && name.get(..1).map(str::to_ascii_lowercase).as_deref() == attribute.get(..1);
    let name =
        ATTRIBUTES.into_iter().filter(|name| *name != "Groups").find(capital).ok_or_else(|| {
            refuse("UnsupportedOperation", format!("The sandbox does not model the attribute {attribute} of an instance."))
        })?;
    let value = value.parse::<bool>().map_or_else(|_| json!(value), Json::from);
    Ok((name, Some(value)))
}

fn groups(world: &mut World, id: &str, asked: &[&str]) -> Result<(), ApiError> {
    let Some((eni, interface)) = world.interfaces_of(id).next() else { return Err(gone(id)) };
    if asked.is_empty() {
        return Err(missing("groupSet"));
    }
    let (eni, groups) = (eni.clone(), world.groups_for(&interface.vpc, asked, "InvalidGroup.NotFound")?);
    find_mut(&mut world.interfaces, "eni", &eni)?.groups = groups;
    Ok(())
}

fn source_dest_check(world: &mut World, id: &str, value: Option<bool>) -> Result<(), ApiError> {
    let Some(eni) = world.interfaces_of(id).next().map(|(eni, _)| eni.clone()) else { return Err(gone(id)) };
    find_mut(&mut world.interfaces, "eni", &eni)?.source_dest_check = value.ok_or_else(|| missing("sourceDestCheck.value"))?;
    Ok(())
}

fn gone(id: &str) -> ApiError {
    refuse("IncorrectInstanceState", format!("The instance '{id}' is not in a state that allows this operation."))
}

fn set(instance: &mut Instance, id: &str, name: &str, value: Option<&Json>) -> Result<(), ApiError> {
    if instance.state.is_over() {
        return Err(gone(id));
    }
    if matches!(name, "InstanceType" | "UserData" | "EbsOptimized") && instance.state != State::Stopped {
        return Err(refuse("IncorrectInstanceState", format!("The instance '{id}' is not in the 'stopped' state.")));
    }
    let text = || value.and_then(Json::as_str).ok_or_else(|| missing(&format!("{name}.value")));
    let flag = || value.and_then(Json::as_bool).ok_or_else(|| missing(&format!("{name}.value")));
    match name {
        "InstanceType" => {
            let kind = text()?;
            let model = instance_type::find(kind).ok_or_else(|| bad(format!("Invalid value '{kind}' for InstanceType.")))?;
            if model.architecture != instance.architecture {
                return Err(bad(format!(
                    "The instance type '{kind}' does not match the architecture '{}' of the instance.",
                    instance.architecture
                )));
            }
            instance.kind = kind.into();
        }
        "UserData" => {
            let data = value.and_then(Json::as_str).unwrap_or_default();
            crate::base::base64::decode(data)
                .ok_or_else(|| refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."))?;
            instance.user_data = Some(data.to_owned()).filter(|data| !data.is_empty());
        }
        "DisableApiTermination" => instance.no_termination = flag()?,
        "DisableApiStop" => instance.no_stop = flag()?,
        "EbsOptimized" => instance.ebs_optimized = flag()?,
        _ => match text()? {
            behavior @ ("stop" | "terminate") => instance.shutdown_behavior = behavior.into(),
            other => return Err(bad(format!("Invalid value '{other}' for instanceInitiatedShutdownBehavior."))),
        },
    }
    Ok(())
}

/// What an instance has written when it started: here, that it has.
fn console(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceId")?;
    let instance = find(&world.instances, "i", id)?;
    let text = match instance.state {
        State::Pending => String::new(),
        _ => base64::encode(format!("[    0.000000] {} booted from {}\n", instance.kind, instance.image).as_bytes()),
    };
    Ok(json!({"InstanceId": id, "Output": text, "Timestamp": World::time(world.now)}))
}

fn modify_metadata(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("InstanceId")?;
    let instance = find_mut(&mut world.instances, "i", id)?;
    if instance.state.is_over() {
        return Err(gone(id));
    }
    let mut options = instance.metadata.clone();
    options.change(p);
    if !(1..=64).contains(&options.hop_limit) {
        return Err(bad(format!(
            "Value ({}) for parameter httpPutResponseHopLimit is invalid. It must be between 1 and 64.",
            options.hop_limit
        )));
    }
    instance.metadata = options;
    Ok(json!({"InstanceId": id, "InstanceMetadataOptions": instance.metadata.show()}))
}
