//! Volumes: the disks of instances. Layer 8.

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        image::Image,
        page::{Listing, describe},
        params::Params,
        refuse::{Outcome, bad, refuse},
        tag::Tags,
        volume_change::Modification,
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[("DescribeVolumes", describe_volumes, "VolumeIds Filters")];

/// A volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Volume {
    pub(crate) disk: Disk,
    pub(crate) zone: String,
    pub(crate) created: u64,
    #[serde(default)]
    pub(crate) state: State,
    pub(crate) attachment: Option<Attachment>,
    /// The latest change of its size or performance, and when each of the changes began.
    #[serde(default)]
    pub(crate) modification: Option<Modification>,
    #[serde(default)]
    pub(crate) modified: Vec<u64>,
}

/// A state, but for `in-use`: that is one that is available and attached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    Creating,
    #[default]
    Available,
    Deleting,
}

impl Volume {
    pub(crate) fn state(&self) -> &'static str {
        match (self.state, &self.attachment) {
            (State::Creating, _) => "creating",
            (State::Deleting, _) => "deleting",
            (State::Available, Some(_)) => "in-use",
            (State::Available, None) => "available",
        }
    }
}

/// What a volume is attached to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) device: String,
    pub(crate) delete_on_termination: bool,
    pub(crate) instance: String,
    #[serde(default)]
    pub(crate) state: Link,
    #[serde(default)]
    pub(crate) at: u64,
}

/// How far an attachment is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Link {
    Attaching,
    #[default]
    Attached,
    Detaching,
}

impl Link {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Link::Attaching => "attaching",
            Link::Attached => "attached",
            Link::Detaching => "detaching",
        }
    }
}

/// A disk that an instance is launched with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub(crate) device: String,
    pub(crate) size: i64,
    pub(crate) kind: String,
    pub(crate) encrypted: bool,
    pub(crate) key: Option<String>,
    pub(crate) iops: Option<i64>,
    pub(crate) throughput: Option<i64>,
    pub(crate) snapshot: Option<String>,
    pub(crate) delete_on_termination: bool,
}

const KNOWN: [&str; 7] = ["VolumeSize", "VolumeType", "Encrypted", "KmsKeyId", "Iops", "Throughput", "DeleteOnTermination"];

/// The disks that a request and its image mean: the root disk first.
pub(crate) fn disks(p: Params<'_>, image: &Image) -> Result<Vec<Disk>, ApiError> {
    let of_image = Disk {
        device: image.root_device.clone(),
        size: image.root_size,
        kind: image.root_kind.clone(),
        encrypted: false,
        key: None,
        iops: None,
        throughput: None,
        snapshot: Some(image.snapshot.clone()),
        delete_on_termination: true,
    };
    let mut disks = vec![disk(&image.root_device, Params::new(&Json::Null), Some(&of_image))?];
    for mapping in p.subs("BlockDeviceMappings") {
        let device = mapping.need("DeviceName")?;
        let Some(ebs) = mapping.sub("Ebs") else {
            return Err(refuse("UnsupportedOperation", "The sandbox models EBS volumes only."));
        };
        if let Some(name) = ebs.names().find(|name| !KNOWN.contains(name)) {
            let message = format!("The sandbox does not model the parameter BlockDeviceMappings.Ebs.{name} of RunInstances.");
            return Err(refuse("UnsupportedOperation", message));
        }
        let at = disks.iter().position(|d| d.device == device);
        let old = at.and_then(|at| disks.get(at)).cloned();
        let new = disk(device, ebs, old.as_ref())?;
        match at.and_then(|at| disks.get_mut(at)) {
            Some(place) => *place = new,
            None => disks.push(new),
        }
    }
    Ok(disks)
}

fn disk(device: &str, p: Params<'_>, old: Option<&Disk>) -> Result<Disk, ApiError> {
    let least = old.map_or(1, |d| d.size);
    let malformed = |message: String| refuse("InvalidBlockDeviceMapping", message);
    let size = match (p.int("VolumeSize"), old) {
        (Some(size), Some(_)) if size < least => {
            return Err(malformed(format!("Volume of size {size}GB is smaller than the snapshot of the image, expect size >= {least}GB")));
        }
        (Some(size), _) if !(1..=65_536).contains(&size) => return Err(bad(format!("Volume size {size}GB is invalid"))),
        (Some(size), _) => size,
        (None, Some(old)) => old.size,
        (None, None) => return Err(malformed("The request must contain the parameter size or snapshotId".into())),
    };
    let kind = p.text("VolumeType").or(old.map(|d| d.kind.as_str())).unwrap_or("gp2").to_owned();
    let iops = match (p.int("Iops"), &*kind) {
        (Some(_), "gp2" | "st1" | "sc1" | "standard") => {
            return Err(refuse("InvalidParameterCombination", format!("The parameter iops is not supported for {kind} volumes.")));
        }
        (None, "io1" | "io2") => return Err(refuse("MissingParameter", "The request must contain the parameter iops")),
        (None, "gp3") => Some(3_000),
        (None, "gp2") => Some((size * 3).clamp(100, 16_000)),
        (iops, _) => iops,
    };
    if p.has("KmsKeyId") && p.flag("Encrypted") != Some(true) {
        return Err(refuse("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set."));
    }
    Ok(Disk {
        device: device.into(),
        size,
        throughput: (kind == "gp3").then(|| p.int("Throughput").unwrap_or(125)),
        kind,
        encrypted: p.flag("Encrypted").unwrap_or(false),
        key: p.text("KmsKeyId").map(str::to_owned),
        iops,
        snapshot: old.and_then(|d| d.snapshot.clone()),
        delete_on_termination: p.flag("DeleteOnTermination").unwrap_or(old.is_some()),
    })
}

/// Makes an instance's volumes.
pub(crate) fn attach_all(world: &mut World, instance: &str, disks: &[Disk], tags: &Tags) {
    let zone = world.instances.get(instance).map(|i| i.zone.clone()).unwrap_or_default();
    for disk in disks {
        let id = world.id("vol");
        let attachment = Attachment {
            device: disk.device.clone(),
            delete_on_termination: disk.delete_on_termination,
            instance: instance.into(),
            state: Link::Attached,
            at: world.now,
        };
        let volume = Volume {
            disk: Disk { encrypted: disk.encrypted || world.encrypts, ..disk.clone() },
            zone: zone.clone(),
            created: world.now,
            state: State::Available,
            attachment: Some(attachment),
            modification: None,
            modified: vec![],
        };
        world.volumes.insert(id.clone(), volume);
        world.tag(&id, tags.clone());
        world.instances.get_mut(instance).into_iter().for_each(|i| i.volumes.push(id.clone()));
    }
}

pub(crate) fn show(world: &World, id: &str) -> Option<Json> {
    let volume = world.volumes.get(id)?;
    let disk = &volume.disk;
    let attachments = volume.attachment.iter().map(|a| {
        json!({"VolumeId": id, "InstanceId": a.instance, "Device": a.device, "State": a.state.name(),
            "DeleteOnTermination": a.delete_on_termination, "AttachTime": World::time(a.at)})
    });
    let mut shown = Map::new();
    let Json::Object(plain) = json!({
        "VolumeId": id,
        "AvailabilityZone": volume.zone,
        "AvailabilityZoneId": world.zone_id(&volume.zone),
        "Attachments": attachments.collect::<Vec<_>>(),
        "CreateTime": World::time(volume.created),
        "Encrypted": disk.encrypted,
        "MultiAttachEnabled": false,
        "Size": disk.size,
        "SnapshotId": disk.snapshot.clone().unwrap_or_default(),
        "State": volume.state(),
        "Tags": world.shown_tags(id),
        "VolumeType": disk.kind,
    }) else {
        return None;
    };
    shown.extend(plain);
    if disk.encrypted {
        let default = format!("arn:aws:kms:{}:{}:alias/aws/ebs", world.region, crate::sim::ACCOUNT);
        shown.insert("KmsKeyId".into(), json!(disk.key.clone().unwrap_or(default)));
    }
    shown.extend(disk.iops.map(|n| ("Iops".to_owned(), n.into())));
    shown.extend(disk.throughput.map(|n| ("Throughput".to_owned(), n.into())));
    Some(shown.into())
}

const LISTING: Listing = Listing {
    member: "Volumes",
    ids: "VolumeIds",
    prefix: "vol",
    filters: &[
        ("volume-id", "VolumeId"),
        ("attachment.instance-id", "Attachments.InstanceId"),
        ("attachment.device", "Attachments.Device"),
        ("attachment.delete-on-termination", "Attachments.DeleteOnTermination"),
        ("attachment.status", "Attachments.State"),
        ("availability-zone", "AvailabilityZone"),
        ("availability-zone-id", "AvailabilityZoneId"),
        ("create-time", "CreateTime"),
        ("encrypted", "Encrypted"),
        ("size", "Size"),
        ("snapshot-id", "SnapshotId"),
        ("status", "State"),
        ("volume-type", "VolumeType"),
    ],
    ids_or_pages: true,
};

fn describe_volumes(world: &mut World, p: Params<'_>) -> Outcome {
    describe(world, p, &LISTING, world.volumes.keys(), |id| show(world, id))
}
