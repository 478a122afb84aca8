//! Volumes that are made, attached, changed and unmade by themselves. Layer 8.
//!
//! Sizes and performance by type: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html; how often a volume may
//! be changed: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        instance::State as InstanceState,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, clash, missing, refuse},
        snapshot,
        tag::at_creation,
        volume::{Attachment, Disk, Link, State, Volume, show},
        world::{Due, World, find, find_mut},
    },
};

pub(crate) const ACTIONS: Actions = &[
    (
        "CreateVolume",
        create,
        "AvailabilityZone AvailabilityZoneId Encrypted Iops KmsKeyId Size SnapshotId VolumeType Throughput TagSpecifications",
    ),
    ("DeleteVolume", delete, "VolumeId"),
    ("AttachVolume", attach, "Device InstanceId VolumeId"),
    ("DetachVolume", detach, "Device InstanceId VolumeId Force"),
    ("ModifyVolume", modify, "VolumeId Size VolumeType Iops Throughput"),
    ("DescribeVolumesModifications", describe_modifications, "VolumeIds Filters"),
    ("GetEbsEncryptionByDefault", encryption, ""),
    ("EnableEbsEncryptionByDefault", encrypt, ""),
    ("DisableEbsEncryptionByDefault", leave_plain, ""),
];

/// How often a volume may be changed in a day.
const CHANGES_MAX: usize = 4;

/// A change of a volume's size or performance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Modification {
    from: Disk,
    to: Disk,
    stage: Stage,
    started: u64,
    ended: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Stage {
    Modifying,
    Optimizing,
    Completed,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Modifying => "modifying",
            Stage::Optimizing => "optimizing",
            Stage::Completed => "completed",
        }
    }
}

/// What a type of volume takes: sizes in GiB, operations a second, and how many of these for each GiB at most.
struct Kind(&'static str, (i64, i64), Option<(i64, i64)>, i64);

const KINDS: [Kind; 7] = [
    Kind("gp3", (1, 65_536), Some((3_000, 80_000)), 500),
    Kind("gp2", (1, 16_384), None, 0),
    Kind("io1", (4, 16_384), Some((100, 64_000)), 50),
    Kind("io2", (4, 65_536), Some((100, 256_000)), 1_000),
    Kind("st1", (125, 16_384), None, 0),
    Kind("sc1", (125, 16_384), None, 0),
    Kind("standard", (1, 1_024), None, 0),
];

/// The least that a gp3 or new io volume has.
const BASE_IOPS: i64 = 3_000;
const THROUGHPUT: (i64, i64) = (125, 2_000);

/// A disk that fits its type, with what EC2 chooses by itself.
fn fitted(mut disk: Disk) -> Result<Disk, ApiError> {
    let Some(Kind(kind, (least, most), iops, ratio)) = KINDS.iter().find(|k| k.0 == disk.kind) else {
        return Err(bad(format!("Unknown volume type '{}'", disk.kind)));
    };
    let size = disk.size;
    if !(*least..=*most).contains(&size) {
        return Err(bad(format!("Volume of {size}GiB is not valid for volume type {kind}: it must be between {least} and {most}GiB.")));
    }
    match (iops, disk.iops) {
        (None, Some(_)) => return Err(clash(format!("The parameter iops is not supported for {kind} volumes."))),
        (Some((low, high)), Some(n)) if !(*low..=*high).contains(&n) => {
            return Err(bad(format!("Volume iops of {n} is not valid for volume type {kind}: it must be between {low} and {high}.")));
        }
        // The base is had at any size.
        (Some(_), Some(n)) if n > (ratio * size).max(if *kind == "gp3" { BASE_IOPS } else { 0 }) => {
            return Err(bad(format!("Iops to volume size ratio of {n}:{size} is too high; maximum is {ratio}.")));
        }
        _ => {}
    }
    match disk.throughput {
        Some(_) if *kind != "gp3" => return Err(clash(format!("The parameter throughput is not supported for {kind} volumes."))),
        Some(n) if !(THROUGHPUT.0..=THROUGHPUT.1).contains(&n) => {
            return Err(bad(format!("Throughput of {n}MiB/s is not valid: it must be between {} and {}.", THROUGHPUT.0, THROUGHPUT.1)));
        }
        // A quarter of a MiB/s for each operation at most.
        Some(n) if n * 4 > disk.iops.unwrap_or(BASE_IOPS) => {
            return Err(bad(format!(
                "Throughput (MiBps) to iops ratio of {n}:{} is too high; maximum is 0.25.",
                disk.iops.unwrap_or(BASE_IOPS)
            )));
        }
        _ => {}
    }
    match *kind {
        "gp3" => {
            disk.iops = disk.iops.or(Some(BASE_IOPS));
            disk.throughput = disk.throughput.or(Some(THROUGHPUT.0));
        }
        "gp2" => disk.iops = Some((size * 3).clamp(100, 16_000)),
        _ => {}
    }
    Ok(disk)
}

fn zone(world: &World, p: Params<'_>) -> Result<String, ApiError> {
    let named = match (p.text("AvailabilityZone"), p.text("AvailabilityZoneId")) {
        (Some(_), Some(_)) => return Err(clash("Only one of AvailabilityZone and AvailabilityZoneId may be specified")),
        (None, None) => return Err(missing("AvailabilityZone")),
        (Some(name), None) => world.zones().into_iter().find(|zone| zone == name).ok_or(name),
        (None, Some(id)) => world.zones().into_iter().find(|zone| world.zone_id(zone) == id).ok_or(id),
    };
    named.map_err(|asked| refuse("InvalidZone.NotFound", format!("The zone '{asked}' does not exist.")))
}

fn create(world: &mut World, p: Params<'_>) -> Outcome {
    let zone = zone(world, p)?;
    let tags = at_creation(p, "volume", &["volume"])?;
    let kind = p.text("VolumeType").unwrap_or("gp2");
    if matches!(kind, "io1" | "io2") && !p.has("Iops") {
        return Err(missing("iops"));
    }
    if p.has("KmsKeyId") && p.flag("Encrypted") != Some(true) {
        return Err(refuse("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set."));
    }
    let snapshot = p.text("SnapshotId").map(|id| snapshot::find_usable(world, id)).transpose()?;
    let size = match (p.int("Size"), &snapshot) {
        (None, None) => return Err(missing("size or snapshotId")),
        (None, Some(from)) => from.size,
        (Some(size), Some(from)) if size < from.size => {
            return Err(bad(format!(
                "Volume of {size}GiB is smaller than snapshot '{}'; its size must be at least {}GiB.",
                from.id, from.size
            )));
        }
        (Some(size), _) => size,
    };
    let disk = fitted(Disk {
        device: String::new(),
        size,
        kind: kind.into(),
        encrypted: p.flag("Encrypted").unwrap_or(false) || world.encrypts || snapshot.as_ref().is_some_and(|from| from.encrypted),
        key: p.text("KmsKeyId").map(str::to_owned),
        iops: p.int("Iops"),
        throughput: p.int("Throughput"),
        snapshot: snapshot.map(|from| from.id),
        delete_on_termination: false,
    })?;
    let id = world.id("vol");
    let volume = Volume { disk, zone, created: world.now, state: State::Creating, attachment: None, modification: None, modified: vec![] };
    world.volumes.insert(id.clone(), volume);
    world.tag(&id, tags);
    world.schedule(world.pace.volume, Due::Volume(id.clone()));
    // Of one that is being made EC2 does not list attachments yet.
    show(world, &id).ok_or_else(|| refuse("InternalError", "The volume is gone"))
}

/// The change of state that is due.
pub(crate) fn settle(world: &mut World, id: &str) {
    let Some(volume) = world.volumes.get_mut(id) else { return };
    match volume.state {
        State::Creating => volume.state = State::Available,
        State::Deleting => {
            world.volumes.remove(id);
            world.tags.remove(id);
            return;
        }
        State::Available => {}
    }
    match &mut volume.attachment {
        Some(a) if a.state == Link::Attaching => a.state = Link::Attached,
        Some(a) if a.state == Link::Detaching => {
            let instance = a.instance.clone();
            volume.attachment = None;
            world.instances.get_mut(&instance).into_iter().for_each(|i| i.volumes.retain(|v| v != id));
        }
        _ => {}
    }
}

fn delete(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VolumeId")?;
    let volume = find_mut(&mut world.volumes, "vol", id)?;
    if let Some(attachment) = &volume.attachment {
        return Err(refuse("VolumeInUse", format!("Volume {id} is currently attached to {}", attachment.instance)));
    }
    match volume.state {
        State::Creating => return Err(refuse("IncorrectState", format!("The volume '{id}' is 'creating'"))),
        State::Deleting => return Ok(json!({})),
        State::Available => volume.state = State::Deleting,
    }
    world.schedule(world.pace.volume, Due::Volume(id.into()));
    Ok(json!({}))
}

/// Names of devices as EC2 takes them: docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html.
fn is_device(name: &str) -> bool {
    let rest = ["/dev/sd", "/dev/xvd", "/dev/hd", "xvd"].iter().find_map(|prefix| name.strip_prefix(prefix));
    rest.is_some_and(|rest| {
        let letters = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        let partition = rest.strip_prefix(letters).unwrap_or_default();
        (1..=2).contains(&letters.len()) && letters.bytes().all(|b| b.is_ascii_lowercase()) && partition.len() <= 2
    })
}

fn attach(world: &mut World, p: Params<'_>) -> Outcome {
    let (id, instance_id, device) = (p.need("VolumeId")?, p.need("InstanceId")?, p.need("Device")?);
    let volume = find(&world.volumes, "vol", id)?;
    let instance = find(&world.instances, "i", instance_id)?;
    if !is_device(device) {
        return Err(bad(format!("Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name.")));
    }
    if volume.attachment.is_some() {
        return Err(refuse("VolumeInUse", format!("{id} is already attached to an instance")));
    }
    if volume.state != State::Available {
        return Err(refuse("IncorrectState", format!("Unable to attach volume '{id}': it is '{}'.", volume.state())));
    }
    if volume.zone != instance.zone {
        let message = format!("The volume '{id}' is not in the same availability zone as instance '{instance_id}'");
        return Err(refuse("InvalidVolume.ZoneMismatch", message));
    }
    if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
        return Err(refuse("IncorrectState", format!("Instance '{instance_id}' is not 'running'.")));
    }
    let taken = |v: &String| world.volumes.get(v).and_then(|v| v.attachment.as_ref()).is_some_and(|a| a.device == device);
    if instance.volumes.iter().any(taken) {
        return Err(bad(format!("Invalid value '{device}' for unixDevice. Attachment point {device} is already in use")));
    }
    let at = world.now;
    let attachment =
        Attachment { device: device.into(), delete_on_termination: false, instance: instance_id.into(), state: Link::Attaching, at };
    let answer = show_attachment(id, &attachment);
    find_mut(&mut world.volumes, "vol", id)?.attachment = Some(attachment);
    find_mut(&mut world.instances, "i", instance_id)?.volumes.push(id.into());
    world.schedule(world.pace.volume, Due::Volume(id.into()));
    Ok(answer)
}

fn show_attachment(id: &str, a: &Attachment) -> Json {
    json!({"VolumeId": id, "InstanceId": a.instance, "Device": a.device, "State": a.state.name(),
        "DeleteOnTermination": a.delete_on_termination, "AttachTime": World::time(a.at)})
}

fn detach(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VolumeId")?;
    let volume = find(&world.volumes, "vol", id)?;
    if let Some(instance) = p.text("InstanceId") {
        find(&world.instances, "i", instance)?;
    }
    let Some(attachment) = volume.attachment.as_ref() else {
        return Err(refuse("IncorrectState", format!("Volume '{id}' is in the '{}' state.", volume.state())));
    };
    let differs = |name: &str, is: &str| p.text(name).is_some_and(|asked| asked != is);
    if differs("InstanceId", &attachment.instance) || differs("Device", &attachment.device) {
        let message = format!(
            "The volume '{id}' is not attached to instance '{}' as device '{}'.",
            p.text("InstanceId").unwrap_or(&attachment.instance),
            p.text("Device").unwrap_or(&attachment.device)
        );
        return Err(refuse("InvalidAttachment.NotFound", message));
    }
    let root = world.instances.get(&attachment.instance).filter(|i| i.root_device == attachment.device);
    if root.is_some_and(|i| i.state != InstanceState::Stopped) {
        return Err(refuse(
            "OperationNotPermitted",
            format!("Unable to detach root volume '{id}' from instance '{}'", attachment.instance),
        ));
    }
    let volume = find_mut(&mut world.volumes, "vol", id)?;
    let Some(attachment) = volume.attachment.as_mut() else { return Err(missing("volumeId")) };
    attachment.state = Link::Detaching;
    let answer = show_attachment(id, attachment);
    world.schedule(world.pace.volume, Due::Volume(id.into()));
    Ok(answer)
}

fn modify(world: &mut World, p: Params<'_>) -> Outcome {
    let id = p.need("VolumeId")?;
    let (now, day) = (world.now, world.pace.volume_day);
    let volume = find(&world.volumes, "vol", id)?;
    if !["Size", "VolumeType", "Iops", "Throughput"].iter().any(|name| p.has(name)) {
        return Err(bad("Invalid input: Must specify at least one of size, type, iops, throughput"));
    }
    if volume.state != State::Available {
        return Err(refuse("IncorrectState", format!("The volume '{id}' is '{}'.", volume.state())));
    }
    if let Some(going_on) = volume.modification.as_ref().filter(|m| m.stage != Stage::Completed) {
        let stage = going_on.stage.name().to_ascii_uppercase();
        return Err(refuse("IncorrectModificationState", format!("Cannot modify volume {id}, currently in modification state {stage}")));
    }
    let recent: Vec<u64> = volume.modified.iter().copied().filter(|at| at + day > now).collect();
    if recent.len() >= CHANGES_MAX {
        let message = "You've reached the maximum modification rate per volume limit. A volume can be modified four times in 24 hours.";
        return Err(refuse("VolumeModificationRateExceeded", message));
    }
    let from = volume.disk.clone();
    let kind = p.text("VolumeType").unwrap_or(&from.kind).to_owned();
    let same = kind == from.kind;
    let size = p.int("Size").unwrap_or(from.size);
    if size < from.size {
        return Err(bad("New size cannot be smaller than existing size"));
    }
    let provisioned = matches!(&*kind, "gp3" | "io1" | "io2");
    let iops = p.int("Iops").or(if !provisioned {
        None
    } else if same {
        from.iops
    } else {
        Some(BASE_IOPS)
    });
    let throughput = p.int("Throughput").or(from.throughput.filter(|_| same));
    let to = fitted(Disk { size, kind, iops, throughput, ..from.clone() })?;
    let modification = Modification { from, to, stage: Stage::Modifying, started: now, ended: None };
    let volume = find_mut(&mut world.volumes, "vol", id)?;
    volume.modified = recent;
    volume.modified.push(now);
    let answer = json!({"VolumeModification": show_modification(id, &modification)});
    volume.modification = Some(modification);
    world.schedule(world.pace.volume, Due::VolumeModification(id.into()));
    Ok(answer)
}

/// What was asked holds once a change is being optimized.
pub(crate) fn settle_modification(world: &mut World, id: &str) {
    let now = world.now;
    let Some(volume) = world.volumes.get_mut(id) else { return };
    let Some(modification) = &mut volume.modification else { return };
    match modification.stage {
        Stage::Modifying => {
            modification.stage = Stage::Optimizing;
            volume.disk = modification.to.clone();
            world.schedule(world.pace.volume, Due::VolumeModification(id.into()));
        }
        Stage::Optimizing => (modification.stage, modification.ended) = (Stage::Completed, Some(now)),
        Stage::Completed => {}
    }
}

fn show_modification(id: &str, m: &Modification) -> Json {
    let progress = match m.stage {
        Stage::Modifying => 0,
        Stage::Optimizing => 50,
        Stage::Completed => 100,
    };
    let mut shown = json!({"VolumeId": id, "ModificationState": m.stage.name(), "Progress": progress, "StartTime": World::time(m.started),
        "OriginalSize": m.from.size, "OriginalVolumeType": m.from.kind, "OriginalMultiAttachEnabled": false,
        "TargetSize": m.to.size, "TargetVolumeType": m.to.kind, "TargetMultiAttachEnabled": false});
    let numbers = [
        ("OriginalIops", m.from.iops),
        ("OriginalThroughput", m.from.throughput),
        ("TargetIops", m.to.iops),
        ("TargetThroughput", m.to.throughput),
    ];
    if let Some(map) = shown.as_object_mut() {
        map.extend(numbers.into_iter().filter_map(|(name, n)| Some((name.to_owned(), json!(n?)))));
        map.extend(m.ended.map(|at| ("EndTime".to_owned(), json!(World::time(at)))));
    }
    shown
}

const MODIFICATIONS: Listing = Listing {
    member: "VolumesModifications",
    ids: "VolumeIds",
    prefix: "vol",
    filters: &[
        ("volume-id", "VolumeId"),
        ("modification-state", "ModificationState"),
        ("original-iops", "OriginalIops"),
        ("original-size", "OriginalSize"),
        ("original-volume-type", "OriginalVolumeType"),
        ("start-time", "StartTime"),
        ("target-iops", "TargetIops"),
        ("target-size", "TargetSize"),
        ("target-volume-type", "TargetVolumeType"),
    ],
    ids_or_pages: true,
};

fn describe_modifications(world: &mut World, p: Params<'_>) -> Outcome {
    for id in p.texts("VolumeIds") {
        if find(&world.volumes, "vol", id)?.modification.is_none() {
            return Err(refuse("InvalidVolumeModification.NotFound", format!("Modification for volume '{id}' does not exist.")));
        }
    }
    let shown = |id: &str| world.volumes.get(id)?.modification.as_ref().map(|m| show_modification(id, m));
    page(p, MODIFICATIONS.member, select(world, p, &MODIFICATIONS, world.volumes.keys(), shown)?)
}

fn encryption(world: &mut World, _: Params<'_>) -> Outcome {
    Ok(json!({"EbsEncryptionByDefault": world.encrypts}))
}

fn encrypt(world: &mut World, p: Params<'_>) -> Outcome {
    world.encrypts = true;
    encryption(world, p)
}

fn leave_plain(world: &mut World, p: Params<'_>) -> Outcome {
    world.encrypts = false;
    encryption(world, p)
}
