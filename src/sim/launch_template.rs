//! Launch templates and their versions. Layer 8.
//!
//! docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-launch-templates.html

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    base::base64,
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, clash, missing, no_such, refuse},
        tag::at_creation,
        world::{ACCOUNT, World},
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("CreateLaunchTemplate", create, "LaunchTemplateName VersionDescription LaunchTemplateData TagSpecifications"),
    (
        "CreateLaunchTemplateVersion",
        create_version,
        "LaunchTemplateId LaunchTemplateName SourceVersion VersionDescription LaunchTemplateData",
    ),
    ("ModifyLaunchTemplate", modify, "LaunchTemplateId LaunchTemplateName DefaultVersion"),
    ("DeleteLaunchTemplate", delete, "LaunchTemplateId LaunchTemplateName"),
    ("DeleteLaunchTemplateVersions", delete_versions, "LaunchTemplateId LaunchTemplateName Versions"),
    ("DescribeLaunchTemplates", describe_templates, "LaunchTemplateIds LaunchTemplateNames Filters"),
    ("DescribeLaunchTemplateVersions", describe_versions, "LaunchTemplateId LaunchTemplateName Versions MinVersion MaxVersion Filters"),
];

/// How many there may be, and how many versions of one
/// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-template-restrictions.html).
const TEMPLATES_MAX: usize = 5_000;
const VERSIONS_MAX: usize = 10_000;

/// A launch template.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LaunchTemplate {
    name: String,
    created: u64,
    default: u64,
    /// The number of the latest version ever made.
    latest: u64,
    versions: BTreeMap<u64, Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Version {
    description: Option<String>,
    created: u64,
    data: Json,
}

impl LaunchTemplate {
    /// The version that a number or a word names.
    fn number(&self, id: &str, version: &str) -> Result<u64, ApiError> {
        let number = match version {
            "$Latest" => self.versions.keys().next_back().copied(),
            "$Default" => Some(self.default),
            number => Some(number.parse().map_err(|_| bad(format!("Invalid launch template version: {number}")))?),
        };
        number.filter(|n| self.versions.contains_key(n)).ok_or_else(|| {
            refuse(
                "InvalidLaunchTemplateId.VersionNotFound",
                format!("Could not find the specified version {version} for the launch template with ID {id}."),
            )
        })
    }
}

fn well_named(name: &str) -> bool {
    (3..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"().-/_".contains(&b))
}

/// The id of the template that a request names.
fn named(world: &World, p: Params<'_>) -> Result<String, ApiError> {
    match (p.text("LaunchTemplateId"), p.text("LaunchTemplateName")) {
        (Some(_), Some(_)) => Err(clash("Specify either a launch template ID or a launch template name, but not both.")),
        (None, None) => Err(missing("LaunchTemplateId or LaunchTemplateName")),
        (Some(id), None) if world.launch_templates.contains_key(id) => Ok(id.into()),
        (Some(id), None) => Err(no_such("lt", id)),
        (None, Some(name)) => by_name(world, name).ok_or_else(|| no_name(name)),
    }
}

fn by_name(world: &World, name: &str) -> Option<String> {
    world.launch_templates.iter().find(|(_, t)| t.name == name).map(|(id, _)| id.clone())
}

fn no_name(name: &str) -> ApiError {
    let message = format!("The specified launch template, with template name {name}, does not exist.");
    refuse("InvalidLaunchTemplateName.NotFoundException", message)
}

/// What a version is to hold. Whether the image and the groups exist is looked at when something is launched.
fn data(p: Params<'_>) -> Result<Map<String, Json>, ApiError> {
    let of = p.sub("LaunchTemplateData").ok_or_else(|| missing("LaunchTemplateData"))?;
    if of.names().next().is_none() {
        return Err(missing("LaunchTemplateData"));
    }
    if of.text("UserData").is_some_and(|text| base64::decode(text).is_none()) {
        return Err(refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."));
    }
    if of.has("NetworkInterfaces") && (of.has("SecurityGroupIds") || of.has("SecurityGroups")) {
        return Err(clash("A launch template cannot contain both network interfaces and security groups"));
    }
    Ok(of.names().filter_map(|name| Some((name.to_owned(), of.get(name)?.clone()))).collect())
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let name = p.need("LaunchTemplateName")?;
    if !well_named(name) {
        let message =
            "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the characters ().-/_";
        return Err(refuse("InvalidLaunchTemplateName.MalformedException", message));
    }
    let data = data(p)?.into();
    let tags = at_creation(p, "launch-template", &["launch-template"])?;
    if by_name(world, name).is_some() {
        return Err(refuse("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use."));
    }
    if world.launch_templates.len() >= TEMPLATES_MAX {
        return Err(refuse("LaunchTemplateLimitExceeded", "You have reached the limit of launch templates in this region."));
    }
    let id = world.id("lt");
    let version = Version { description: p.text("VersionDescription").map(str::to_owned), created: world.now, data };
    let versions = BTreeMap::from([(1, version)]);
    world.launch_templates.insert(id.clone(), LaunchTemplate { name: name.into(), created: world.now, default: 1, latest: 1, versions });
    world.tag(&id, tags);
    Ok(json!({"LaunchTemplate": show(world, &id)}))
}

/// What a source version says holds where the request does not say something else.
fn create_version(world: &mut World, p: Params<'_>) -> Outcome {
    let id = named(world, p)?;
    let new = data(p)?;
    let now = world.now;
    let Some(template) = world.launch_templates.get_mut(&id) else { return Err(no_such("lt", &id)) };
    let mut data = Map::new();
    if let Some(source) = p.text("SourceVersion") {
        let number = template.number(&id, source)?;
        data.extend(template.versions.get(&number).and_then(|v| v.data.as_object()).cloned().unwrap_or_default());
    }
    if template.versions.len() >= VERSIONS_MAX {
        return Err(refuse("LaunchTemplateVersionLimitExceeded", "You have reached the limit of versions of a launch template."));
    }
    data.extend(new);
    template.latest += 1;
    let number = template.latest;
    let version = Version { description: p.text("VersionDescription").map(str::to_owned), created: now, data: data.into() };
    template.versions.insert(number, version);
    Ok(json!({"LaunchTemplateVersion": show_version(world, &id, number)}))
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = named(world, p)?;
    let Some(template) = world.launch_templates.get_mut(&id) else { return Err(no_such("lt", &id)) };
    if let Some(version) = p.text("DefaultVersion") {
        template.default = template.number(&id, version)?;
    }
    Ok(json!({"LaunchTemplate": show(world, &id)}))
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = named(world, p)?;
    let shown = show(world, &id);
    world.launch_templates.remove(&id);
    world.tags.remove(&id);
    Ok(json!({"LaunchTemplate": shown}))
}

/// The default version stays.
fn delete_versions(world: &mut World, p: Params<'_>) -> Outcome {
    let id = named(world, p)?;
    let Some(template) = world.launch_templates.get_mut(&id) else { return Err(no_such("lt", &id)) };
    let name = template.name.clone();
    let (mut gone, mut kept) = (vec![], vec![]);
    for version in p.texts("Versions") {
        let number: u64 = version.parse().map_err(|_| bad(format!("Invalid launch template version: {version}")))?;
        let told = json!({"LaunchTemplateId": id, "LaunchTemplateName": name, "VersionNumber": number});
        let why = match template.versions.contains_key(&number) {
            false => Some(("launchTemplateVersionDoesNotExist", "The specified launch template version does not exist.")),
            true if number == template.default => Some(("launchTemplateVersionIsDefault", "The default version cannot be deleted.")),
            true => None,
        };
        match why {
            None => {
                template.versions.remove(&number);
                gone.push(told);
            }
            Some((code, message)) => {
                let mut told = told;
                told.as_object_mut().into_iter().for_each(|map| {
                    map.insert("ResponseError".into(), json!({"Code": code, "Message": message}));
                });
                kept.push(told);
            }
        }
    }
    Ok(json!({"SuccessfullyDeletedLaunchTemplateVersions": gone, "UnsuccessfullyDeletedLaunchTemplateVersions": kept}))
}

fn show(world: &World, id: &str) -> Option<Json> {
    let template = world.launch_templates.get(id)?;
    Some(json!({
        "LaunchTemplateId": id,
        "LaunchTemplateName": template.name,
        "CreateTime": World::time(template.created),
        "CreatedBy": format!("arn:aws:iam::{ACCOUNT}:root"),
        "DefaultVersionNumber": template.default,
        "LatestVersionNumber": template.versions.keys().next_back(),
        "Tags": world.shown_tags(id),
    }))
}

fn show_version(world: &World, id: &str, number: u64) -> Option<Json> {
    let template = world.launch_templates.get(id)?;
    let version = template.versions.get(&number)?;
    let mut shown = json!({
        "LaunchTemplateId": id,
        "LaunchTemplateName": template.name,
        "VersionNumber": number,
        "CreateTime": World::time(version.created),
        "CreatedBy": format!("arn:aws:iam::{ACCOUNT}:root"),
        "DefaultVersion": number == template.default,
        "LaunchTemplateData": version.data,
    });
    let description = version.description.as_ref().map(|text| ("VersionDescription".to_owned(), json!(text)));
    shown.as_object_mut()?.extend(description);
    Some(shown)
}

const TEMPLATES: Listing = Listing {
    member: "LaunchTemplates",
    ids: "LaunchTemplateIds",
    prefix: "lt",
    filters: &[("create-time", "CreateTime"), ("launch-template-name", "LaunchTemplateName")],
    ids_or_pages: false,
};

fn describe_templates(world: &mut World, p: Params<'_>) -> Outcome {
    let names = p.texts("LaunchTemplateNames");
    if let Some(name) = names.iter().find(|name| by_name(world, name).is_none()) {
        return Err(no_name(name));
    }
    let mut found = select(world, p, &TEMPLATES, world.launch_templates.keys(), |id| show(world, id))?;
    found.retain(|(id, _)| names.is_empty() || world.launch_templates.get(id).is_some_and(|t| names.contains(&&*t.name)));
    page(p, TEMPLATES.member, found)
}

const VERSIONS: Listing = Listing {
    member: "LaunchTemplateVersions",
    ids: "",
    prefix: "",
    filters: &[
        ("create-time", "CreateTime"),
        ("ebs-optimized", "LaunchTemplateData.EbsOptimized"),
        ("http-endpoint", "LaunchTemplateData.MetadataOptions.HttpEndpoint"),
        ("http-tokens", "LaunchTemplateData.MetadataOptions.HttpTokens"),
        ("iam-instance-profile", "LaunchTemplateData.IamInstanceProfile.Arn"),
        ("image-id", "LaunchTemplateData.ImageId"),
        ("instance-type", "LaunchTemplateData.InstanceType"),
        ("is-default-version", "DefaultVersion"),
    ],
    ids_or_pages: false,
};

/// All versions of one template, or those that are asked for; the latest or default ones of all templates.
fn describe_versions(world: &mut World, p: Params<'_>) -> Outcome {
    let asked = p.texts("Versions");
    let one = p.has("LaunchTemplateId") || p.has("LaunchTemplateName");
    if !one && (asked.is_empty() || asked.iter().any(|v| !matches!(*v, "$Latest" | "$Default"))) {
        return Err(bad("To describe the versions of all launch templates, specify $Latest or $Default, or both."));
    }
    let mut wanted: BTreeMap<String, (String, u64)> = BTreeMap::new();
    let ids = if one { vec![named(world, p)?] } else { world.launch_templates.keys().cloned().collect() };
    for id in ids {
        let Some(template) = world.launch_templates.get(&id) else { continue };
        let numbers = match asked.is_empty() {
            true => template.versions.keys().copied().collect(),
            false => asked.iter().map(|version| template.number(&id, version)).collect::<Result<Vec<_>, _>>()?,
        };
        let limit = |name: &str| p.text(name).map(|version| template.number(&id, version)).transpose();
        let (least, most) = (limit("MinVersion")?.unwrap_or(0), limit("MaxVersion")?.unwrap_or(u64::MAX));
        for number in numbers.into_iter().filter(|n| (least..=most).contains(n)) {
            wanted.insert(format!("{id} {number:010}"), (id.clone(), number));
        }
    }
    let shown = |key: &str| wanted.get(key).and_then(|(id, number)| show_version(world, id, *number));
    page(p, VERSIONS.member, select(world, p, &VERSIONS, wanted.keys(), shown)?)
}

/// The parameters of a launch with what a template says where the request says nothing, and the tags that tell of it.
pub(crate) fn under(world: &World, p: Params<'_>, named_by: Params<'_>) -> Result<(Json, [(String, String); 2]), ApiError> {
    let id = named(world, named_by)?;
    let template = world.launch_templates.get(&id).ok_or_else(|| no_such("lt", &id))?;
    let number = template.number(&id, named_by.text("Version").unwrap_or("$Default"))?;
    let of = template.versions.get(&number).map(|version| Params::new(&version.data)).unwrap_or(Params::new(&Json::Null));
    // What an interface says, and what is said apart from one, are not merged.
    let placed = ["SubnetId", "SecurityGroupIds", "SecurityGroups", "PrivateIpAddress"];
    let apart = |of: Params<'_>| placed.iter().any(|name| of.has(name));
    if of.has("NetworkInterfaces") && apart(p) || p.has("NetworkInterfaces") && apart(of) {
        return Err(clash(
            "Network interfaces and an instance-level subnet ID, security groups or private IP address may not be specified on the same request",
        ));
    }
    let mut merged = Map::new();
    for name in of.names() {
        merged.insert(name.into(), of.get(name).cloned().unwrap_or_default());
    }
    for name in p.names().filter(|name| *name != "LaunchTemplate") {
        let said = p.get(name).cloned().unwrap_or_default();
        let value = match (name, merged.remove(name), said) {
            ("TagSpecifications" | "BlockDeviceMappings", Some(Json::Array(first)), Json::Array(then)) => [first, then].concat().into(),
            ("MetadataOptions", Some(Json::Object(mut first)), Json::Object(then)) => {
                first.extend(then);
                first.into()
            }
            (_, _, said) => said,
        };
        merged.insert(name.into(), value);
    }
    let tags = [("aws:ec2launchtemplate:id".to_owned(), id), ("aws:ec2launchtemplate:version".to_owned(), number.to_string())];
    Ok((merged.into(), tags))
}
