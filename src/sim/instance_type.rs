//! Instance types: the usual families, with their processors and memory. Layer 8.
//!
//! Facts: docs.aws.amazon.com/ec2/latest/instancetypes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde_json::json;

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, bad, refuse},
        world::World,
    },
};

pub(crate) const ACTIONS: Actions = &[
    ("DescribeInstanceTypes", describe_types, "InstanceTypes Filters"),
    ("DescribeInstanceTypeOfferings", describe_offerings, "LocationType Filters"),
];

/// An instance type.
#[derive(Debug, Clone)]
pub(crate) struct InstanceType {
    pub(crate) architecture: &'static str,
    processors: u32,
    memory_mib: u32,
    pub(crate) burstable: bool,
    hypervisor: &'static str,
}

/// The usual types, each with what it has, in words.
pub fn usual() -> impl Iterator<Item = (&'static str, String)> {
    let words = |t: &InstanceType| format!("{} processors, {} MiB, {}", t.processors, t.memory_mib, t.architecture);
    TYPES.iter().map(move |(name, ty)| (&**name, words(ty)))
}

/// Small sizes of the burstable families: processors and MiB. `t2` has fewer processors.
const BURSTABLE: [(&str, u32, u32); 7] = [
    ("nano", 2, 512),
    ("micro", 2, 1024),
    ("small", 2, 2048),
    ("medium", 2, 4096),
    ("large", 2, 8192),
    ("xlarge", 4, 16_384),
    ("2xlarge", 8, 32_768),
];

const SIZES: [(&str, u32); 9] = [
    ("medium", 1),
    ("large", 2),
    ("xlarge", 4),
    ("2xlarge", 8),
    ("4xlarge", 16),
    ("8xlarge", 32),
    ("12xlarge", 48),
    ("16xlarge", 64),
    ("24xlarge", 96),
];

/// Family, architecture, GiB for each processor.
const FAMILIES: [(&str, &str, u32); 22] = [
    ("c5", "x86_64", 2),
    ("c5a", "x86_64", 2),
    ("c6a", "x86_64", 2),
    ("c6g", "arm64", 2),
    ("c6i", "x86_64", 2),
    ("c7g", "arm64", 2),
    ("c7i", "x86_64", 2),
    ("c8g", "arm64", 2),
    ("m5", "x86_64", 4),
    ("m5a", "x86_64", 4),
    ("m6a", "x86_64", 4),
    ("m6g", "arm64", 4),
    ("m6i", "x86_64", 4),
    ("m7g", "arm64", 4),
    ("m7i", "x86_64", 4),
    ("m8g", "arm64", 4),
    ("r5", "x86_64", 8),
    ("r6g", "arm64", 8),
    ("r6i", "x86_64", 8),
    ("r7g", "arm64", 8),
    ("r7i", "x86_64", 8),
    ("r8g", "arm64", 8),
];

/// Families without the sizes of 8 and 16 times a processor pair, as `c5`, have others that are not modelled.
const WITHOUT: [(&str, &[&str]); 3] = [("c5", &["8xlarge", "16xlarge"]), ("c6g", &["24xlarge"]), ("c7g", &["24xlarge"])];

static TYPES: LazyLock<BTreeMap<String, InstanceType>> = LazyLock::new(|| {
    let mut types = BTreeMap::new();
    for (family, architecture) in [("t2", "x86_64"), ("t3", "x86_64"), ("t3a", "x86_64"), ("t4g", "arm64")] {
        for (size, processors, memory_mib) in BURSTABLE {
            let processors = if family == "t2" && memory_mib <= 2048 { 1 } else { processors };
            let hypervisor = if family == "t2" { "xen" } else { "nitro" };
            types.insert(format!("{family}.{size}"), InstanceType { architecture, processors, memory_mib, burstable: true, hypervisor });
        }
    }
    for (family, architecture, gib) in FAMILIES {
        for (size, processors) in SIZES {
            let lacks = WITHOUT.iter().any(|(of, sizes)| *of == family && sizes.contains(&size));
            let graviton_only =
                (size == "medium" && architecture == "x86_64") || (size == "24xlarge" && matches!(family, "m6g" | "r6g" | "m7g" | "r7g"));
            if !lacks && !graviton_only {
                let memory_mib = processors * gib * 1024;
                let model = InstanceType { architecture, processors, memory_mib, burstable: false, hypervisor: "nitro" };
                types.insert(format!("{family}.{size}"), model);
            }
        }
    }
    let first = InstanceType { architecture: "x86_64", processors: 1, memory_mib: 1740, burstable: false, hypervisor: "xen" };
    types.insert("m1.small".into(), first);
    types
});

/// How many interfaces an instance of a type may have, and how many addresses of a family each of them (user guide, "Maximum IP
/// addresses per network interface").
pub(crate) fn room(name: &str) -> (usize, usize) {
    let (family, size) = name.split_once('.').unwrap_or_default();
    match (family, size) {
        ("t3a", "small") | ("m1", _) => (2, 4),
        ("t2", "xlarge" | "2xlarge") => (3, 15),
        ("t2" | "t3" | "t4g", "small") => (3, 4),
        ("t2" | "t3" | "t3a" | "t4g", "medium") => (3, 6),
        ("t2" | "t3" | "t3a" | "t4g", "large") => (3, 12),
        (_, "nano" | "micro") => (2, 2),
        (_, "medium") => (2, 4),
        (_, "large") => (3, 10),
        (_, "xlarge" | "2xlarge") => (4, 15),
        (_, "4xlarge" | "8xlarge" | "12xlarge") => (8, 30),
        _ => (15, 50),
    }
}

/// Which zones of `us-east-1` lack which families: the fifth is an old one, with old types alone, and new families come to some zones
/// first. What AWS has where changes and differs by account, so this is like it rather than true.
const LACKS: [(&str, &[&str]); 3] = [
    ("us-east-1c", &["c8g", "m8g", "r8g"]),
    (
        "us-east-1e",
        &[
            "t3", "t3a", "t4g", "c5", "c5a", "c6a", "c6g", "c6i", "c7g", "c7i", "c8g", "m5", "m5a", "m6a", "m6g", "m6i", "m7g", "m7i",
            "m8g", "r5", "r6g", "r6i", "r7g", "r7i", "r8g",
        ],
    ),
    ("us-east-1f", &["t4g", "c8g", "m8g", "r8g"]),
];
/// Regions that came after a family did, and never had it.
const NEVER: [(&str, &[&str]); 1] = [("eu-north-1", &["t2", "m1"])];

fn offers(world: &World, name: &str, zone: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let has = |(place, families): &(&str, &[&str])| !(*place == zone || *place == world.region) || !families.contains(&family);
    LACKS.iter().chain(&NEVER).all(has)
}

/// Whether a zone has the types that most start with.
pub(crate) fn is_of_today(world: &World, zone: &str) -> bool {
    offers(world, "t3.micro", zone)
}

/// Refuses a type that a zone does not offer.
pub(crate) fn offered(world: &World, name: &str, zone: &str) -> Result<(), ApiError> {
    if offers(world, name, zone) {
        return Ok(());
    }
    let others: Vec<String> = world.zones().into_iter().filter(|other| offers(world, name, other)).collect();
    let message = match others.is_empty() {
        true => {
            "The requested configuration is currently not supported. Please check the documentation for supported configurations.".into()
        }
        false => format!(
            "Your requested instance type ({name}) is not supported in your requested Availability Zone ({zone}). Please retry your request by \
             not specifying an Availability Zone or choosing {}.",
            others.join(", ")
        ),
    };
    Err(refuse("Unsupported", message))
}

/// A type by its name.
pub(crate) fn find(name: &str) -> Option<&'static InstanceType> {
    TYPES.get(name)
}

fn show(name: &str) -> Option<Json> {
    let model = TYPES.get(name)?;
    Some(json!({
        "InstanceType": name,
        "CurrentGeneration": !matches!(name.get(..2), Some("m1" | "t1")),
        "FreeTierEligible": matches!(name, "t2.micro" | "t3.micro"),
        "BareMetal": false,
        "BurstablePerformanceSupported": model.burstable,
        "Hypervisor": model.hypervisor,
        "ProcessorInfo": {"SupportedArchitectures": [model.architecture]},
        "VCpuInfo": {"DefaultVCpus": model.processors},
        "MemoryInfo": {"SizeInMiB": model.memory_mib},
        "InstanceStorageSupported": false,
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedUsageClasses": ["on-demand", "spot"],
        "SupportedVirtualizationTypes": ["hvm"],
        "EbsInfo": {"EncryptionSupport": "supported"},
    }))
}

const LISTING: Listing = Listing {
    member: "InstanceTypes",
    ids: "InstanceTypes",
    prefix: "",
    filters: &[
        ("instance-type", "InstanceType"),
        ("bare-metal", "BareMetal"),
        ("burstable-performance-supported", "BurstablePerformanceSupported"),
        ("current-generation", "CurrentGeneration"),
        ("free-tier-eligible", "FreeTierEligible"),
        ("hypervisor", "Hypervisor"),
        ("memory-info.size-in-mib", "MemoryInfo.SizeInMiB"),
        ("processor-info.supported-architecture", "ProcessorInfo.SupportedArchitectures"),
        ("supported-root-device-type", "SupportedRootDeviceTypes"),
        ("supported-usage-class", "SupportedUsageClasses"),
        ("supported-virtualization-type", "SupportedVirtualizationTypes"),
        ("vcpu-info.default-vcpus", "VCpuInfo.DefaultVCpus"),
    ],
    ids_or_pages: true,
};

fn describe_types(world: &mut World, p: Params<'_>) -> Outcome {
    let unknown: Vec<&str> = p.texts("InstanceTypes").into_iter().filter(|name| !TYPES.contains_key(*name)).collect();
    if !unknown.is_empty() {
        let message = format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
        return Err(refuse("InvalidInstanceType", message));
    }
    page(p, LISTING.member, select(world, p, &LISTING, TYPES.keys(), show)?)
}

const OFFERINGS: Listing = Listing {
    member: "InstanceTypeOfferings",
    ids: "",
    prefix: "",
    filters: &[("instance-type", "InstanceType"), ("location", "Location")],
    ids_or_pages: false,
};

fn describe_offerings(world: &mut World, p: Params<'_>) -> Outcome {
    let by = p.text("LocationType").unwrap_or("region");
    let zones = world.zones();
    // Each place by its name, and a zone that is all of it or stands in it.
    let places: Vec<(String, String)> = match by {
        "region" => zones.iter().map(|zone| (world.region.clone(), zone.clone())).collect(),
        "availability-zone" => zones.iter().map(|zone| (zone.clone(), zone.clone())).collect(),
        "availability-zone-id" => zones.iter().map(|zone| (world.zone_id(zone), zone.clone())).collect(),
        "outpost" => vec![],
        other => return Err(bad(format!("Value ({other}) for parameter locationType is invalid."))),
    };
    let keys: BTreeSet<String> = TYPES
        .keys()
        .flat_map(|name| places.iter().filter(|(_, zone)| offers(world, name, zone)).map(move |(place, _)| format!("{name} {place}")))
        .collect();
    let show = |key: &str| key.split_once(' ').map(|(name, place)| json!({"InstanceType": name, "LocationType": by, "Location": place}));
    page(p, OFFERINGS.member, select(world, p, &OFFERINGS, keys.iter(), show)?)
}
