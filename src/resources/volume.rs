//! A volume: CreateVolume, and its attachment to an instance.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html>

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    base::{address::Address, codes::volume as codes, diagnostic::Sink},
    call::{Arg, Call, Json, Settle},
    declared,
    registry::{Listing, Observed, PartSpec, Removal, ResourceType, Update},
    resource,
    resources::{
        instance::Instance,
        part::{arg, each, int, show_value},
        placement,
        read::{Reader, at, list, text},
    },
    schema::{
        attr::{Kind, Ref, Val, Word, Words},
        model::{Model, Part, Resource},
        value::{Record, Value},
    },
};

resource! {
    /// A disk of its own, which outlives the instance it is attached to.
    ///
    /// It is encrypted unless something else is written. Its size, type and speed change while it is in use, four times in
    /// 24 hours at most; it can grow and never shrink, and the file system on it must be told that it has grown. An instance's
    /// own root volume is none of these: it comes and goes with the instance.
    Volume = "volume" {
        /// The zone it is in; it can be attached to instances of this zone alone. `subnet.NAME.availability_zone` is the
        /// zone of what stands in that subnet.
        availability_zone: Val<Arc<str>>, Replace;
        /// Its size in GiB; that of the snapshot where it is not written, and no less than that. EC2 makes no volume smaller, so a plan
        /// that would is refused.
        size: Option<Val<i64>>, InPlace;
        /// The id of the snapshot that it is made from: `snap-0123456789abcdef0`. One that is made from an encrypted snapshot is
        /// encrypted, whatever else is written.
        snapshot: Option<Val<Arc<str>>>, Replace;
        /// Its type: `"gp3"` and `"gp2"` for most things, `"io2"` and `"io1"` for as many operations a second as are paid
        /// for, `"st1"` and `"sc1"` for large files on magnetic disks, `"standard"` for magnetic disks of old.
        volume_type: Val<Word<VolumeType>> = Value::text("gp3"), InPlace;
        /// How many operations a second it is to bear, for `gp3`, `io1` and `io2`. `gp3` has 3000 by itself, the other two
        /// must be told.
        iops: Option<Val<i64>>, InPlace;
        /// How many MiB a second it is to bear, for `gp3`, which has 125 by itself.
        throughput: Option<Val<i64>>, InPlace;
        /// Whether it is encrypted.
        encrypted: Val<bool> = Value::Bool(true), Replace;
        /// The ARN of the KMS key that it is encrypted with; the account's default key where it is not written.
        kms_key_id: Option<Val<Arc<str>>>, Replace;
        /// The instance that it is attached to. Changing it detaches the volume, mounted or not, and attaches it to the other
        /// one.
        instance: Option<Ref<Instance>>, Parts;
        /// The name under which the instance has it, such as `/dev/sdf`; newer instances see an NVMe disk and keep this name as
        /// its label.
        device_name: Option<Val<Arc<str>>>, Parts;
        /// What it is doing: `available`, `in-use`.
        state: Option<Val<Arc<str>>>, Computed;
        /// Its id.
        id: Option<Val<Arc<str>>>, Computed;
    }
}

/// Types of volumes.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeType;

impl Words for VolumeType {
    const ALL: &'static [&'static str] = &["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"];
}

/// What a type takes: sizes in GiB, operations a second.
struct Limits(&'static str, (i64, i64), Option<(i64, i64)>);

const LIMITS: [Limits; 7] = [
    Limits("gp3", (1, 65_536), Some((3_000, 80_000))),
    Limits("gp2", (1, 16_384), None),
    Limits("io2", (4, 65_536), Some((100, 256_000))),
    Limits("io1", (4, 16_384), Some((100, 64_000))),
    Limits("st1", (125, 16_384), None),
    Limits("sc1", (125, 16_384), None),
    Limits("standard", (1, 1_024), None),
];

/// An attachment comes within seconds; one goes once the instance has let go of the disk.
const TIMEOUT_S: u64 = 600;

/// A change is in force once it is being optimized. That it is complete takes hours, and nothing waits for it.
const CHANGE_S: u64 = 1_800;

impl ResourceType for Volume {
    declared!();

    const EXAMPLE: &'static str = r#"# Stays when the server is replaced.
volume data {
  availability_zone = subnet.public.availability_zone
  size              = 100
  instance          = instance.server
  device_name       = "/dev/sdf"
}
"#;

    const ID_PREFIX: &'static str = "vol-";
    const UNSEEN: bool = true;
    const GROWS: &'static [&'static str] = &["size"];
    const ONCE: &'static [(&'static str, &'static [&'static str])] = &[("attachment", &["instance", "device_name"])];
    const TAG_TYPE: Option<&'static str> = Some("volume");
    const CREATED_ID: &'static [&'static str] = &["VolumeId"];
    // EC2 refuses to change the size of a volume that is on its way to or from an instance.
    const ONE_AT_A_TIME: bool = true;
    const LISTING: Listing = Listing::new("DescribeVolumes", &["Volumes"], "VolumeId", "volume-id", Some(500));
    const UPDATES: &'static [Update] =
        &[Update { attrs: &["size", "volume_type", "iops", "throughput"], after_create: |_| false, calls: change }];
    const PARTS: &'static [PartSpec] = &[PartSpec {
        name: "attachment",
        doc: "Gives the volume to an instance. A volume has one at most.",
        // It leaves one instance before it goes to another.
        key: &[],
        content: &["instance", "device_name"],
        create: |at, parts| each(parts, |part| attach(at, part)),
        change: Some(|at, old, new| vec![detach(at, old), attach(at, new)]),
        delete: |at, parts| each(parts, |part| detach(at, part)),
        removal: Removal::First,
        create_first: false,
        essential: false,
        governs: None,
        takes_over: false,
        show: |part| format!("attachment to {} as {}", show_value(part.get("instance")), show_value(part.get("device_name"))),
    }];
    #[cfg(feature = "aws")]
    const ACTIONS: &'static [crate::ec2::Action] = aws::ACTIONS;

    fn check(model: &Model, sink: &mut Sink) {
        let mut devices: BTreeMap<(&Address, &str), &Resource> = BTreeMap::new();
        for volume in placement::managed(model, Self::KIND) {
            check_type(volume, sink);
            check_origin(volume, sink);
            check_key(volume, sink);
            check_zone(volume, model, sink);
            match (volume.reference("instance"), written(volume, "device_name").and_then(Value::as_text)) {
                (Some(instance), Some(device)) => {
                    if let Some(first) = devices.insert((instance, device), volume) {
                        let place = |volume: &'_ Resource| volume.span_of("device_name");
                        let (second, first) = ((&volume.address, place(volume)), (&first.address, place(first)));
                        sink.push(codes::two_on_one(instance, device, second, first));
                    }
                }
                (Some(_), None) if written(volume, "device_name").is_none() => {
                    sink.push(codes::half_attached(&volume.address, "instance", "device_name", volume.span_of("instance")));
                }
                (None, _) if written(volume, "device_name").is_some() && written(volume, "instance").is_none() => {
                    sink.push(codes::half_attached(&volume.address, "device_name", "instance", volume.span_of("device_name")));
                }
                _ => {}
            }
        }
    }

    fn desired_parts(&self, this: &Resource, _model: &Model, _sink: &mut Sink) -> Vec<Part> {
        let (Some(instance), Some(device)) = (&self.instance, &self.device_name) else { return vec![] };
        let record = Record::from([("instance".into(), instance.value.clone()), ("device_name".into(), device.value.clone())]);
        vec![Part { name: "attachment", record, span: this.span_of("instance") }]
    }

    fn create(&self, at: &Address) -> Vec<Call> {
        let null = || Arg::Known(Json::Null);
        let params = [
            ("AvailabilityZone", self.availability_zone.arg()),
            ("Size", self.size.as_ref().map_or_else(null, Val::arg)),
            ("SnapshotId", self.snapshot.as_ref().map_or_else(null, Val::arg)),
            ("VolumeType", self.volume_type.arg()),
            ("Iops", self.iops.as_ref().map_or_else(null, Val::arg)),
            ("Throughput", self.throughput.as_ref().map_or_else(null, Val::arg)),
            ("Encrypted", self.encrypted.arg()),
            ("KmsKeyId", self.kms_key_id.as_ref().map_or_else(null, Val::arg)),
        ];
        let settled = settle(at, &["State"], &["available", "in-use"]).or_fail(&["error", "deleting", "deleted"], &[]);
        vec![Call::new("CreateVolume", params).tagged("volume").with_token().settle(settled)]
    }

    fn delete(at: &Address, _record: &Record) -> Vec<Call> {
        vec![Call::new("DeleteVolume", [("VolumeId", Arg::id(at))]).settle(settle(at, &["State"], &["deleted", "gone"]))]
    }

    fn observe(item: &Json) -> Option<Observed> {
        if matches!(text(item, &["State"]), Some("deleting" | "deleted" | "error")) {
            return None;
        }
        let attachment = list(item, &["Attachments"]).iter().find(|a| !matches!(text(a, &["State"]), Some("detaching" | "detached")));
        let member = |name: &str| attachment.and_then(|a| text(a, &[name])).map(Value::text);
        let (instance, device) = (member("InstanceId"), member("Device"));
        let part = instance.clone().map(|id| {
            let device = device.clone().map(|device| ("device_name".to_owned(), device));
            ("attachment", Record::from_iter([("instance".to_owned(), id)].into_iter().chain(device)))
        });
        // One that changed its type may have lost what it had.
        let number = |name: &str| Some(at(item, &[name]).and_then(Json::as_i64).map_or(Value::Null, Value::Int));
        Reader::new(item)
            .text("availability_zone", &["AvailabilityZone"])
            .int("size", &["Size"])
            // EC2 tells the empty text of one that was made from none.
            .value("snapshot", text(item, &["SnapshotId"]).filter(|id| !id.is_empty()).map(Value::text))
            .text("volume_type", &["VolumeType"])
            .value("iops", number("Iops"))
            .value("throughput", number("Throughput"))
            .bool("encrypted", &["Encrypted"])
            .text("kms_key_id", &["KmsKeyId"])
            .value("instance", instance)
            .value("device_name", device)
            .text("state", &["State"])
            .done(&["VolumeId"], part.into_iter().collect())
    }
}

/// A value that is there.
fn written<'a>(this: &'a Resource, name: &str) -> Option<&'a Value> {
    this.record.get(name).filter(|value| **value != Value::Null)
}

fn settle(at: &Address, state: &[&str], until: &[&str]) -> Settle {
    Settle::new("DescribeVolumes", "volume-id", &["Volumes"], "VolumeId", state, until, Arg::id(at)).within(TIMEOUT_S)
}

fn attach(at: &Address, part: &Record) -> Call {
    let params = [("VolumeId", Arg::id(at)), ("InstanceId", arg(part, "instance")), ("Device", arg(part, "device_name"))];
    Call::new("AttachVolume", params).settle(settle(at, &["Attachments", "State"], &["attached"]))
}

/// A volume whose instance was terminated is free already.
fn detach(at: &Address, part: &Record) -> Call {
    let params = [("VolumeId", Arg::id(at)), ("InstanceId", arg(part, "instance"))];
    Call::new("DetachVolume", params)
        .satisfied_by(&["IncorrectState", "InvalidAttachment.NotFound", "InvalidInstanceID.NotFound"])
        .settle(settle(at, &["State"], &["available", "gone"]))
}

/// What a type does not take is left out: EC2 keeps or chooses the rest.
fn change(at: &Address, record: &Record) -> Vec<Call> {
    let params = [
        ("VolumeId", Arg::id(at)),
        ("Size", arg(record, "size")),
        ("VolumeType", arg(record, "volume_type")),
        ("Iops", arg(record, "iops")),
        ("Throughput", arg(record, "throughput")),
    ];
    let (action, items) = ("DescribeVolumesModifications", ["VolumesModifications"]);
    let settled = Settle::new(action, "volume-id", &items, "VolumeId", &["ModificationState"], &["optimizing", "completed"], Arg::id(at));
    vec![Call::new("ModifyVolume", params).settle(settled.or_fail(&["failed"], &["StatusMessage"]).within(CHANGE_S))]
}

/// Size and speed are such as the type has.
fn check_type(volume: &Resource, sink: &mut Sink) {
    let kind = written(volume, "volume_type").and_then(Value::as_text);
    let Some(Limits(kind, sizes, iops)) = LIMITS.iter().find(|l| Some(l.0) == kind) else { return };
    let mut unfit = |name: &str, help: String| {
        let (at, kind_at) = (volume.span_of(name), volume.span_of("volume_type"));
        sink.push(codes::unfit(&volume.address, &format!("`{name}`"), at, kind_at, &help));
    };
    let outside = |name: &str, (low, high): (i64, i64)| int(&volume.record, name).is_some_and(|n| !(low..=high).contains(&n));
    if outside("size", *sizes) {
        unfit("size", format!("`{kind}` has {} to {} GiB", sizes.0, sizes.1));
    }
    match iops {
        None if written(volume, "iops").is_some() => unfit("iops", format!("leave it out: `{kind}` takes none")),
        Some(range) if outside("iops", *range) => unfit("iops", format!("`{kind}` has {} to {}", range.0, range.1)),
        _ => {}
    }
    match *kind {
        "gp3" if outside("throughput", (125, 2_000)) => unfit("throughput", "`gp3` has 125 to 2000 MiB/s".into()),
        "gp3" => {}
        _ if written(volume, "throughput").is_some() => unfit("throughput", format!("leave it out: `{kind}` takes none")),
        _ => {}
    }
    if matches!(*kind, "io1" | "io2") && written(volume, "iops").is_none() {
        sink.push(codes::without_iops(&volume.address, kind, volume.span_of("volume_type")));
    }
}

/// EC2 must be told how large it is, or what it is made from.
fn check_origin(volume: &Resource, sink: &mut Sink) {
    match written(volume, "snapshot") {
        None if written(volume, "size").is_none() => sink.push(codes::without_size(&volume.address, volume.span)),
        Some(snapshot) if snapshot.as_text().is_some_and(|id| !id.starts_with("snap-")) => {
            sink.push(codes::no_snapshot(&volume.address, volume.span_of("snapshot")));
        }
        _ => {}
    }
}

/// A key is named as EC2 names it, and is of use.
fn check_key(volume: &Resource, sink: &mut Sink) {
    let Some(key) = written(volume, "kms_key_id") else { return };
    let at = volume.span_of("kms_key_id");
    if volume.record.get("encrypted") == Some(&Value::Bool(false)) {
        sink.push(codes::key_of_plain(&volume.address, at, volume.span_of("encrypted")));
    } else if key.as_text().is_some_and(|key| !(key.starts_with("arn:") && key.contains(":key/"))) {
        sink.push(codes::key_by_alias(&volume.address, at));
    }
}

/// The zone is that of the instance, as far as both are written.
fn check_zone(volume: &Resource, model: &Model, sink: &mut Sink) {
    let Some(instance) = volume.reference("instance").and_then(|i| model.resources.get(i)) else { return };
    let interface = instance.reference("network_interface").and_then(|i| model.resources.get(i));
    let subnet = interface.unwrap_or(instance).reference("subnet").and_then(|s| model.resources.get(s));
    let zone_of = |r: &'_ Resource| written(r, "availability_zone").and_then(Value::as_text).map(str::to_owned);
    let Some(subnet) = subnet else { return };
    if let (Some(ours), Some(its)) = (zone_of(volume), zone_of(subnet))
        && ours != its
    {
        let place = |r: &'_ Resource| r.span_of("availability_zone");
        let volume_at = (&volume.address, place(volume));
        sink.push(codes::other_zone(volume_at, &ours, &instance.address, &its, (&subnet.address, place(subnet))));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::sample::{complaints, network, reference, resource, shown};

    fn volume(name: &str, more: &[(&str, Value)]) -> Resource {
        let all = [("availability_zone", Value::text("eu-central-1a")), ("size", Value::Int(10))];
        resource(name, &[&all, more].concat())
    }

    fn on(instance: &str) -> [(&'static str, Value); 2] {
        [("instance", reference(instance)), ("device_name", Value::text("/dev/sdf"))]
    }

    #[test]
    fn what_ec2_lists_is_what_was_asked() {
        let item = |state, attachment| {
            json!({
                "VolumeId": "vol-1", "AvailabilityZone": "eu-central-1a", "Size": 10, "VolumeType": "gp3", "Iops": 3000, "Throughput": 125,
                "Encrypted": true, "KmsKeyId": "arn:aws:kms:eu-central-1:1:key/k", "State": state,
                "Attachments": [{"InstanceId": "i-1", "Device": "/dev/sdf", "State": attachment}],
            })
        };
        let observed = Volume::observe(&item("in-use", "attached")).expect("it stands");
        let part = Record::from([("instance".into(), Value::text("i-1")), ("device_name".into(), Value::text("/dev/sdf"))]);
        assert_eq!(observed.parts, [("attachment", part)]);
        assert_eq!((&observed.record["size"], &observed.record["iops"]), (&Value::Int(10), &Value::Int(3000)));
        assert_eq!((&observed.record["encrypted"], &observed.record["state"]), (&Value::Bool(true), &Value::text("in-use")));
        assert_eq!(Volume::observe(&item("in-use", "detaching")).expect("it stands").parts, []);
        assert_eq!(Volume::observe(&item("deleting", "detached")), None);
    }

    #[test]
    fn it_is_made_encrypted_and_attached_by_a_call_of_its_own() {
        let data = volume("volume.data", &on("instance.web"));
        let calls = Volume::decode(&data.record).expect("it fits").create(&data.address);
        let [call] = &calls[..] else { panic!("one call, not {calls:?}") };
        assert_eq!((&call.params["Encrypted"], &call.params["VolumeType"]), (&Arg::Known(json!(true)), &Arg::text("gp3")));
        assert!(call.token && call.tagged == ["volume"]);
        assert_eq!(shown(&network([data]), "volume.data"), ["attachment to instance.web as /dev/sdf"]);
    }

    #[test]
    fn it_leaves_one_instance_before_it_goes_to_another() {
        let part = |instance: &str| Record::from([("instance".into(), Value::text(instance)), ("device_name".into(), Value::text("/dev/sdf"))]);
        let change = Volume::PARTS[0].change.expect("it moves");
        let calls = change(&Address::new("volume", "data"), &part("i-1"), &part("i-2"));
        let said: Vec<_> = calls.iter().map(|c| (&*c.action, c.params["InstanceId"].clone())).collect();
        assert_eq!(said, [("DetachVolume", Arg::text("i-1")), ("AttachVolume", Arg::text("i-2"))]);
    }

    #[test]
    fn its_settings_fit_its_type() {
        let with = |more: &[(&str, Value)]| complaints(&network([volume("volume.data", more)]));
        let kind = |kind: &str| ("volume_type", Value::text(kind));
        let iops = |n| ("iops", Value::Int(n));
        assert_eq!(with(&[]), [""; 0]);
        assert_eq!(with(&[kind("gp3"), iops(4000), ("throughput", Value::Int(250))]), [""; 0]);
        assert_eq!(with(&[kind("gp2"), iops(4000)]), ["E0390 `iops` of `volume.data` does not fit its type"]);
        assert_eq!(with(&[iops(2999)]), ["E0390 `iops` of `volume.data` does not fit its type"]);
        assert_eq!(with(&[("throughput", Value::Int(2001))]), ["E0390 `throughput` of `volume.data` does not fit its type"]);
        assert_eq!(with(&[kind("st1")]), ["E0390 `size` of `volume.data` does not fit its type"]);
        assert_eq!(with(&[kind("io2")]), ["E0390 `volume.data` has no `iops`"]);
        let key = |key: &str| ("kms_key_id", Value::text(key));
        assert_eq!(with(&[key("alias/a")]), ["E0390 `kms_key_id` of `volume.data` is not the ARN of a key"]);
        assert_eq!(
            with(&[key("arn:aws:kms:x:1:key/k"), ("encrypted", Value::Bool(false))]),
            ["E0390 `volume.data` has a key and is not encrypted"]
        );
    }

    #[test]
    fn it_has_a_size_or_is_made_from_a_snapshot() {
        let made = |more: &[(&str, Value)]| {
            let zone = [("availability_zone", Value::text("eu-central-1a"))];
            resource("volume.data", &[&zone, more].concat())
        };
        let snapshot = |id: &str| ("snapshot", Value::text(id));
        let said = |more: &[(&str, Value)]| complaints(&network([made(more)]));
        assert_eq!(said(&[]), ["E0319 `volume.data` has neither `size` nor `snapshot`"]);
        assert_eq!(said(&[snapshot("vol-1")]), ["E0320 `snapshot` of `volume.data` is no id of a snapshot"]);
        assert_eq!(said(&[snapshot("snap-1")]), [""; 0]);
        let data = made(&[snapshot("snap-1")]);
        let calls = Volume::decode(&data.record).expect("it fits").create(&data.address);
        assert_eq!((&calls[0].params["SnapshotId"], &calls[0].params["Size"]), (&Arg::text("snap-1"), &Arg::Known(Json::Null)));
    }

    #[test]
    fn an_attachment_is_said_in_full_and_once() {
        let [instance, device] = on("instance.web");
        let only = |one: (&str, Value)| complaints(&network([volume("volume.data", &[one])]));
        assert_eq!(only(instance), ["E0391 `volume.data` has `instance` and no `device_name`"]);
        assert_eq!(only(device), ["E0391 `volume.data` has `device_name` and no `instance`"]);
        let two = network([volume("volume.a", &on("instance.web")), volume("volume.b", &on("instance.web"))]);
        assert_eq!(complaints(&two), ["E0392 `instance.web` has two volumes `/dev/sdf`"]);
    }

    #[test]
    fn it_is_in_the_zone_of_its_instance() {
        let subnet = |zone| resource("subnet.z", &[("vpc", reference("vpc.main")), ("availability_zone", Value::text(zone))]);
        let interface = resource("network_interface.z", &[("subnet", reference("subnet.z"))]);
        let instance = |place: (&str, Value)| resource("instance.z", &[place]);
        let places = [("subnet", reference("subnet.z")), ("network_interface", reference("network_interface.z"))];
        for place in places {
            let said = |zone| {
                let all = network([subnet(zone), interface.clone(), instance(place.clone()), volume("volume.data", &on("instance.z"))]);
                complaints(&all).into_iter().filter(|c| c.starts_with("E039")).collect::<Vec<_>>()
            };
            assert_eq!(said("eu-central-1a"), [""; 0]);
            assert_eq!(said("eu-central-1b"), ["E0393 `volume.data` is in `eu-central-1a`, `instance.z` in `eu-central-1b`"]);
        }
    }
}

#[cfg(feature = "aws")]
mod aws {
    use crate::{action, ec2::Action, shown, words};

    shown! {
        Volume(
            attachments, availability_zone, availability_zone_id, create_time, encrypted, iops, kms_key_id, multi_attach_enabled, size, snapshot_id,
            state, tags, throughput, volume_id, volume_type,
        );
        VolumeAttachment(attach_time, delete_on_termination, device, instance_id, state, volume_id);
        VolumeModification(
            end_time, modification_state, original_iops, original_size, original_throughput, original_volume_type, progress, start_time,
            status_message, target_iops, target_size, target_throughput, target_volume_type, volume_id,
        );
    }

    words! { VolumeAttachmentState, VolumeModificationState, VolumeState }

    pub(super) const ACTIONS: &[Action] = &[
        action!(CreateVolume: create_volume(
            set_availability_zone, set_client_token, set_encrypted, set_iops, set_kms_key_id, set_size, set_snapshot_id, set_tag_specifications,
            set_throughput, set_volume_type,
        ) -> (
            attachments, availability_zone, availability_zone_id, create_time, encrypted, iops, kms_key_id, multi_attach_enabled, size, snapshot_id,
            state, tags, throughput, volume_id, volume_type
        )),
        action!(DeleteVolume: delete_volume(set_volume_id) -> ()),
        action!(DescribeVolumes: describe_volumes(set_filters, set_max_results, set_next_token, set_volume_ids) -> (next_token, volumes)),
        action!(AttachVolume: attach_volume(set_device, set_instance_id, set_volume_id)
            -> (attach_time, delete_on_termination, device, instance_id, state, volume_id)),
        action!(DetachVolume: detach_volume(set_device, set_force, set_instance_id, set_volume_id)
            -> (attach_time, delete_on_termination, device, instance_id, state, volume_id)),
        action!(ModifyVolume: modify_volume(set_iops, set_size, set_throughput, set_volume_id, set_volume_type) -> (volume_modification)),
        action!(DescribeVolumesModifications: describe_volumes_modifications(
            set_filters, set_max_results, set_next_token, set_volume_ids,
        ) -> (next_token, volumes_modifications)),
    ];
}
