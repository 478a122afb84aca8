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
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[("DescribeVolumes", describe_volumes, "VolumeIds Filters")];

/// A volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Volume {
    disk: Disk,
    zone: String,
    created: u64,
    pub(crate) attachment: Option<Attachment>,
}

/// What a volume is attached to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) device: String,
    pub(crate) delete_on_termination: bool,
    instance: String,
}

/// A disk that an instance is launched with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Disk {
    device: String,
    size: i64,
    kind: String,
    encrypted: bool,
    key: Option<String>,
    iops: Option<i64>,
    throughput: Option<i64>,
    snapshot: Option<String>,
    delete_on_termination: bool,
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
        let attachment =
            Attachment { device: disk.device.clone(), delete_on_termination: disk.delete_on_termination, instance: instance.into() };
        let volume = Volume { disk: disk.clone(), zone: zone.clone(), created: world.now, attachment: Some(attachment) };
        world.volumes.insert(id.clone(), volume);
        world.tag(&id, tags.clone());
        world.instances.get_mut(instance).into_iter().for_each(|i| i.volumes.push(id.clone()));
    }
}

fn show(world: &World, id: &str) -> Option<Json> {
    let volume = world.volumes.get(id)?;
    let disk = &volume.disk;
    let attachments = volume.attachment.iter().map(|a| {
        json!({"VolumeId": id, "InstanceId": a.instance, "Device": a.device, "State": "attached",
            "DeleteOnTermination": a.delete_on_termination, "AttachTime": World::time(volume.created)})
    });
    let mut shown = Map::new();
    let Json::Object(plain) = json!({
        "VolumeId": id,
        "AvailabilityZone": volume.zone,
        "Attachments": attachments.collect::<Vec<_>>(),
        "CreateTime": World::time(volume.created),
        "Encrypted": disk.encrypted,
        "MultiAttachEnabled": false,
        "Size": disk.size,
        "SnapshotId": disk.snapshot.clone().unwrap_or_default(),
        "State": if volume.attachment.is_some() { "in-use" } else { "available" },
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
