//! Images: some of those that AWS, Canonical and Debian publish, as DescribeImages shows them. Layer 8.
//!
//! Names, owners, root devices and metadata defaults are as published; ids and dates are the sandbox's own.

use std::sync::LazyLock;

use serde_json::{Map, json};
use sha2::{Digest, Sha256};

use crate::{
    call::{ApiError, Json},
    sim::{
        Actions,
        page::{Listing, page, select},
        params::Params,
        refuse::{Outcome, no_such, refuse},
        world::{ACCOUNT, World},
    },
};

pub(crate) const ACTIONS: Actions = &[("DescribeImages", describe_images, "ImageIds Owners ExecutableUsers Filters IncludeDeprecated")];

/// An image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) id: String,
    name: String,
    description: String,
    owner: &'static str,
    alias: Option<&'static str>,
    pub(crate) architecture: String,
    created: String,
    pub(crate) root_device: String,
    pub(crate) root_size: i64,
    pub(crate) root_kind: String,
    pub(crate) snapshot: String,
    /// Whether its instances ask for metadata tokens by default.
    pub(crate) imds_v2: bool,
}

const AMAZON: (&str, Option<&str>) = ("137112412989", Some("amazon"));
const CANONICAL: (&str, Option<&str>) = ("099720109477", None);
const DEBIAN: (&str, Option<&str>) = ("136693071363", None);

/// Name, with `{date}` and `{arch}`; what the name calls the two architectures; owner; root device; GiB; volume; IMDSv2; dates.
type Family =
    (&'static str, [&'static str; 2], (&'static str, Option<&'static str>), &'static str, i64, &'static str, bool, &'static [&'static str]);

const FAMILIES: &[Family] = &[
    (
        "al2023-ami-2023.9.{date}.0-kernel-6.1-{arch}",
        ["x86_64", "arm64"],
        AMAZON,
        "/dev/xvda",
        8,
        "gp3",
        true,
        &["20251117", "20251208", "20260105"],
    ),
    ("al2023-ami-minimal-2023.9.{date}.0-kernel-6.1-{arch}", ["x86_64", "arm64"], AMAZON, "/dev/xvda", 2, "gp3", true, &["20260105"]),
    ("amzn2-ami-hvm-2.0.{date}.0-{arch}-gp2", ["x86_64", "arm64"], AMAZON, "/dev/xvda", 8, "gp2", false, &["20251121", "20251208"]),
    (
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-{date}",
        ["amd64", "arm64"],
        CANONICAL,
        "/dev/sda1",
        8,
        "gp3",
        true,
        &["20251112", "20251212"],
    ),
    (
        "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{arch}-server-{date}",
        ["amd64", "arm64"],
        CANONICAL,
        "/dev/sda1",
        8,
        "gp2",
        false,
        &["20251205"],
    ),
    ("debian-12-{arch}-{date}-2316", ["amd64", "arm64"], DEBIAN, "/dev/xvda", 8, "gp3", false, &["20251006", "20251112"]),
    ("debian-13-{arch}-{date}-2316", ["amd64", "arm64"], DEBIAN, "/dev/xvda", 8, "gp3", true, &["20251117"]),
];

static IMAGES: LazyLock<Vec<Image>> = LazyLock::new(|| FAMILIES.iter().flat_map(images_of).collect());

fn images_of(family: &Family) -> Vec<Image> {
    let (name, arches, (owner, alias), root_device, root_size, root_kind, imds_v2, dates) = *family;
    let each = arches
        .into_iter()
        .zip(["x86_64", "arm64"])
        .flat_map(|(arch, architecture)| dates.iter().map(move |date| (arch, architecture, date)));
    each.map(|(arch, architecture, date)| {
        let name = name.replace("{arch}", arch).replace("{date}", date);
        let day = |from, to| date.get(from..to).unwrap_or_default();
        Image {
            id: format!("ami-0{}", hash(&name)),
            snapshot: format!("snap-0{}", hash(&format!("{name} snapshot"))),
            description: format!("{name}, {architecture}"),
            name,
            owner,
            alias,
            architecture: architecture.into(),
            created: format!("{}-{}-{}T08:00:00.000Z", day(0, 4), day(4, 6), day(6, 8)),
            root_device: root_device.into(),
            root_size,
            root_kind: root_kind.into(),
            imds_v2,
        }
    })
    .collect()
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// An image by its id.
pub(crate) fn find(id: &str) -> Result<Image, ApiError> {
    IMAGES.iter().find(|i| i.id == id).cloned().ok_or_else(|| no_such("ami", id))
}

/// The size of a snapshot that an image is made of.
pub(crate) fn snapshot_size(id: &str) -> Option<i64> {
    IMAGES.iter().find(|image| image.snapshot == id).map(|image| image.root_size)
}

/// The id of the newest image whose name begins and ends like this.
pub(crate) fn newest(begins: &str, ends: &str) -> Option<&'static str> {
    let fits = |image: &&Image| image.name.starts_with(begins) && image.name.ends_with(ends);
    IMAGES.iter().filter(fits).max_by_key(|image| image.created.as_str()).map(|image| image.id.as_str())
}

/// The id of an image that the usual types can run.
#[cfg(test)]
pub(crate) fn any_x86_64() -> &'static str {
    IMAGES.iter().find(|i| i.architecture == "x86_64").map_or("", |i| &i.id)
}

fn show(image: &Image) -> Json {
    let mut shown = Map::new();
    let Json::Object(plain) = json!({
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "OwnerId": image.owner,
        "ImageLocation": format!("{}/{}", image.alias.unwrap_or(image.owner), image.name),
        "Architecture": image.architecture,
        "CreationDate": image.created,
        "State": "available",
        "Public": true,
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "RootDeviceName": image.root_device,
        "RootDeviceType": "ebs",
        "BlockDeviceMappings": [{"DeviceName": image.root_device, "Ebs": {"DeleteOnTermination": true, "SnapshotId": image.snapshot,
            "VolumeSize": image.root_size, "VolumeType": image.root_kind, "Encrypted": false}}],
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EnaSupport": true,
        "SriovNetSupport": "simple",
        "BootMode": if image.architecture == "arm64" { "uefi" } else { "uefi-preferred" },
        "ProductCodes": [],
        "Tags": [],
    }) else {
        return Json::Null;
    };
    shown.extend(plain);
    shown.extend(image.alias.map(|alias| ("ImageOwnerAlias".to_owned(), json!(alias))));
    shown.extend(image.imds_v2.then(|| ("ImdsSupport".to_owned(), json!("v2.0"))));
    shown.into()
}

const LISTING: Listing = Listing {
    member: "Images",
    ids: "ImageIds",
    prefix: "ami",
    filters: &[
        ("image-id", "ImageId"),
        ("name", "Name"),
        ("description", "Description"),
        ("owner-id", "OwnerId"),
        ("owner-alias", "ImageOwnerAlias"),
        ("architecture", "Architecture"),
        ("creation-date", "CreationDate"),
        ("state", "State"),
        ("is-public", "Public"),
        ("image-type", "ImageType"),
        ("root-device-name", "RootDeviceName"),
        ("root-device-type", "RootDeviceType"),
        ("virtualization-type", "VirtualizationType"),
        ("hypervisor", "Hypervisor"),
        ("ena-support", "EnaSupport"),
        ("block-device-mapping.volume-type", "BlockDeviceMappings.Ebs.VolumeType"),
        ("block-device-mapping.volume-size", "BlockDeviceMappings.Ebs.VolumeSize"),
        ("block-device-mapping.device-name", "BlockDeviceMappings.DeviceName"),
        ("platform-details", "PlatformDetails"),
        ("boot-mode", "BootMode"),
    ],
    ids_or_pages: true,
};

fn describe_images(world: &mut World, p: Params<'_>) -> Outcome {
    // All are public, so that everybody may launch them; there are none of the account's own.
    if p.texts("ExecutableUsers").iter().any(|user| !matches!(*user, "all" | "self")) {
        return Err(refuse("UnsupportedOperation", "The sandbox's images are public: ExecutableUsers can be `all` only."));
    }
    // Pages go by key, and images are listed in the order of the table.
    let keys: Vec<String> = (0..IMAGES.len()).map(|n| format!("{n:04}")).collect();
    let by_key = |key: &str| key.parse().ok().and_then(|n: usize| IMAGES.get(n));
    let show = |key: &str| IMAGES.iter().find(|i| i.id == key).or_else(|| by_key(key)).map(show);
    let mut found = select(world, p, &LISTING, keys.iter(), show)?;
    let owners = p.texts("Owners");
    let owned = |image: &Json, owner: &&str| {
        let has = |member: &str, value: &str| image.get(member).and_then(Json::as_str) == Some(value);
        has("OwnerId", owner) || has("ImageOwnerAlias", owner) || (*owner == "self" && has("OwnerId", ACCOUNT))
    };
    found.retain(|(_, image)| owners.is_empty() || owners.iter().any(|owner| owned(image, owner)));
    page(p, LISTING.member, found)
}
