//! Looking up images: `ami("al2023")`, and the root device of one that is named by its id. Layer 7.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::{
    apply::read::{ReadError, Reader, Work, together},
    base::{site::Site, span::Span},
    call::Json,
    plan::observation::{image_key, image_key_at},
    resources,
    schema::{
        attr::Type,
        model::{Model, Resource},
        value::Value,
    },
    state::{Image, State},
};

/// A family of images: its name, whose they are, their names in EC2 (`{arch}`: what these call the architecture), and how
/// those names spell `x86_64` and `arm64`.
struct Family {
    name: &'static str,
    owner: &'static str,
    pattern: &'static str,
    spelling: [&'static str; 2],
}

const SAME: [&str; 2] = ["x86_64", "arm64"];
const DEBIAN: [&str; 2] = ["amd64", "arm64"];
/// Canonical's account: <https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/>.
const CANONICAL: &str = "099720109477";
/// Debian's account: <https://wiki.debian.org/Cloud/AmazonEC2Image/>.
const DEBIAN_CLOUD: &str = "136693071363";

/// Amazon's names: <https://docs.aws.amazon.com/linux/al2023/ug/naming-and-versioning.html>.
const FAMILIES: [Family; 6] = [
    Family { name: "al2023", owner: "amazon", pattern: "al2023-ami-2023.*-{arch}", spelling: SAME },
    Family { name: "amzn2", owner: "amazon", pattern: "amzn2-ami-hvm-2.0.*-{arch}-gp2", spelling: SAME },
    Family {
        name: "ubuntu-24.04",
        owner: CANONICAL,
        pattern: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-{arch}-server-*",
        spelling: DEBIAN,
    },
    Family {
        name: "ubuntu-22.04",
        owner: CANONICAL,
        pattern: "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-{arch}-server-*",
        spelling: DEBIAN,
    },
    Family { name: "debian-12", owner: DEBIAN_CLOUD, pattern: "debian-12-{arch}-*", spelling: DEBIAN },
    Family { name: "debian-13", owner: DEBIAN_CLOUD, pattern: "debian-13-{arch}-*", spelling: DEBIAN },
];

/// The families that `ami(...)` takes.
pub fn families() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|family| family.name)
}

type Found = Result<Vec<(String, Image)>, ReadError>;

/// Every image that the model names and the state has not pinned. One that is not found is left out.
pub async fn look_up(reader: &Reader<'_>, model: &Model, state: &State) -> Result<BTreeMap<String, Image>, ReadError> {
    let mut wanted: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for resource in model.resources.values().filter(|r| !r.existing) {
        for (name, architecture) in named(resource) {
            wanted.insert(image_key(&name, Some(&architecture)), (name, architecture));
        }
        ids.extend(literal(resource));
    }
    wanted.retain(|key, _| !state.images.contains_key(key));
    ids.retain(|id| !state.images.values().any(|image| image.id == *id));
    let mut work: Vec<Work<'_, Found>> = vec![];
    for (key, (name, architecture)) in wanted {
        work.push(Box::pin(async move { Ok(newest(reader, &name, &architecture).await?.map(|image| (key, image)).into_iter().collect()) }));
    }
    if !ids.is_empty() {
        work.push(Box::pin(by_id(reader, ids.into_iter().collect())));
    }
    Ok(together(work).await.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Whether the model names any image.
pub(super) fn any(model: &Model) -> bool {
    model.resources.values().filter(|r| !r.existing).any(|r| !named(r).is_empty() || !literal(r).is_empty())
}

/// Images that the model names and the state does not know: as written, and where.
pub(super) fn unknown(model: &Model, state: &State) -> Vec<(String, Option<Span>)> {
    let mut found = BTreeMap::new();
    for resource in model.resources.values().filter(|r| !r.existing) {
        for (name, architecture) in named(resource) {
            if !state.images.contains_key(&image_key_at(resource.site.as_ref(), &image_key(&name, Some(&architecture)))) {
                found.entry(format!("ami({name:?}) for {architecture}")).or_insert(resource.span_of("image"));
            }
        }
        for id in literal(resource).into_iter().filter(|id| !state.images.values().any(|image| image.id == *id)) {
            found.entry(id).or_insert(resource.span_of("image"));
        }
    }
    found.into_iter().collect()
}

/// The ids of the images that what stands was made from, by the calls in the sources that have found them, in each account
/// and region. Where one call has found several in the course of time, the first counts, and that is said.
pub(super) fn run(model: &Model, state: &State, notes: &mut Vec<String>) -> BTreeMap<Option<Site>, BTreeMap<String, String>> {
    let mut found: BTreeMap<Option<Site>, BTreeMap<String, String>> = BTreeMap::new();
    for written in model.resources.values().filter(|r| !r.existing) {
        let Some(spec) = resources::spec(written.address.kind()) else { continue };
        let Some(stands) = state.resources.get(&written.address) else { continue };
        for attr in spec.attrs.iter().filter(|attr| attr.ty == Type::Image) {
            let id = stands.record.get(attr.name).and_then(Value::as_text);
            let (Some(Value::Image(..)), Some(id), [(name, architecture), ..]) = (written.record.get(attr.name), id, &*named(written))
            else {
                continue;
            };
            let key = image_key_at(written.site.as_ref(), &image_key(name, Some(architecture)));
            let first = found.entry(written.site.clone()).or_default().entry(key).or_insert_with(|| id.to_owned());
            if first != id {
                notes.push(format!("{} was made from {id}, others of `ami({name:?})` from {first}: that one is kept", written.address));
            }
        }
    }
    found
}

/// Families that a resource names, and the architecture that it needs them for.
fn named(resource: &Resource) -> Vec<(String, String)> {
    let of_type = resource.record.get("instance_type").map(Value::inner).and_then(Value::as_text).map(resources::instance::architecture);
    let mut found = vec![];
    let mut open: Vec<&Value> = resource.record.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Image(name, written) => {
                let architecture = written.as_deref().or(of_type).unwrap_or("x86_64");
                found.push((name.clone(), architecture.to_owned()));
            }
            Value::List(values) | Value::Concat(values) => open.extend(values),
            Value::Map(map) => open.extend(map.values()),
            _ => {}
        }
    }
    found
}

/// Images that a resource names by their ids.
fn literal(resource: &Resource) -> Vec<String> {
    let Some(spec) = resources::spec(resource.address.kind()) else { return vec![] };
    let images = spec.attrs.iter().filter(|attr| attr.ty == Type::Image).filter_map(|attr| resource.record.get(attr.name)?.as_text());
    images.map(str::to_owned).collect()
}

async fn newest(reader: &Reader<'_>, name: &str, architecture: &str) -> Result<Option<Image>, ReadError> {
    let Some(family) = FAMILIES.iter().find(|family| family.name == name) else { return Ok(None) };
    let [x86_64, arm64] = family.spelling;
    let pattern = family.pattern.replace("{arch}", if architecture == "arm64" { arm64 } else { x86_64 });
    let filter = |name: &str, value: &str| json!({"Name": name, "Values": [value]});
    let filters = [filter("name", &pattern), filter("architecture", architecture), filter("state", "available")];
    let params = json!({"Owners": [family.owner], "Filters": filters});
    let found = reader.all("DescribeImages", &["Images"], params, None).await?;
    // Dates are ISO 8601, so they sort as texts; of two that came out together, the name decides.
    let age = |image: &&Json| (text(image, "CreationDate").to_owned(), text(image, "Name").to_owned());
    Ok(found.iter().max_by_key(age).and_then(image))
}

pub(super) async fn by_id(reader: &Reader<'_>, ids: Vec<String>) -> Found {
    let found = reader.pages("DescribeImages", &["Images"], &[("image-id", &ids)], None).await?;
    Ok(found.iter().filter_map(image).map(|image| (image.id.clone(), image)).collect())
}

fn image(item: &Json) -> Option<Image> {
    let root = item.get("RootDeviceName")?.as_str()?;
    let volumes = item.get("BlockDeviceMappings").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let volume = volumes.iter().find(|v| text(v, "DeviceName") == root);
    Some(Image {
        id: item.get("ImageId")?.as_str()?.into(),
        name: text(item, "Name").into(),
        architecture: text(item, "Architecture").into(),
        root_device_name: root.into(),
        root_volume_size: volume.and_then(|v| v.get("Ebs")?.get("VolumeSize")?.as_i64()),
    })
}

fn text<'a>(item: &'a Json, name: &str) -> &'a str {
    item.get(name).and_then(Json::as_str).unwrap_or_default()
}
