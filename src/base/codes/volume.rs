//! E03: volumes, and the instances that they are attached to.

use crate::base::{address::Address, codes::network::Place, diagnostic::Diagnostic, span::Span};

crate::codes! {
    UNFIT = "E0390" "a volume's size or performance does not fit its type"
"Each type of volume has its sizes, and not every type can be told how fast it is:

| `volume_type` | `size` (GiB) | `iops` | `throughput` (MiB/s) |
|---|---|---|---|
| `gp3` | 1 to 65536 | 3000 to 80000 | 125 to 2000 |
| `gp2` | 1 to 16384 | | |
| `io1` | 4 to 16384 | 100 to 64000, must be written | |
| `io2` | 4 to 65536 | 100 to 256000, must be written | |
| `st1`, `sc1` | 125 to 16384 | | |
| `standard` | 1 to 1024 | | |

```secnet error E0390
volume data { availability_zone = \"eu-central-1a\"  size = 100  volume_type = \"gp2\"  iops = 6000 }
```

Choose `gp3`, or leave `iops` out.";
    ATTACHMENT = "E0391" "a volume's attachment is half said"
"A volume is attached to an `instance` under a `device_name`: `/dev/sdf` to `/dev/sdp` are free for this on every image. Neither is of
use without the other.

```secnet error E0391
volume data { availability_zone = \"us-east-1a\"  size = 10  instance = instance.server }
```";
    TWO_ON_ONE = "E0392" "two volumes are to have one device name"
"An instance knows its volumes by their device names, so each has its own. EC2 refuses the second (InvalidParameterValue).

```secnet error E0392
volume a { availability_zone = \"us-east-1a\"  size = 10  instance = instance.server  device_name = \"/dev/sdf\" }
volume b { availability_zone = \"us-east-1a\"  size = 10  instance = instance.server  device_name = \"/dev/sdf\" }
```

Call the other one `/dev/sdg`.";
    OTHER_ZONE = "E0393" "a volume is in another zone than its instance"
"A volume can be attached to instances of its own Availability Zone alone (InvalidVolume.ZoneMismatch). An instance is in the zone of its
subnet.

```secnet error E0393
subnet a        { vpc = vpc.main  cidr_block = 10.0.9.0/24  availability_zone = \"eu-central-1a\" }
instance worker { image = ami(\"al2023\")  instance_type = \"t3.micro\"  subnet = subnet.a  security_groups = [security_group.db] }
volume data     { availability_zone = \"eu-central-1b\"  size = 10  instance = instance.worker  device_name = \"/dev/sdf\" }
```

Write `availability_zone = subnet.a.availability_zone`.";
    NO_SIZE = "E0319" "nobody says how large a volume is"
"A volume is as large as is written, or as the snapshot that it is made from. Without either EC2 refuses to make it (MissingParameter).

```secnet error E0319
volume data { availability_zone = \"us-east-1a\" }
```

Write `size`, in GiB, or `snapshot`.";
    NO_SNAPSHOT = "E0320" "what a volume is made from is no snapshot"
"A volume is made from a snapshot, which goes by its id: `snap-` and hexadecimal digits. A volume's or an image's id is none.

```secnet error E0320
volume data { availability_zone = \"us-east-1a\"  snapshot = \"vol-0123456789abcdef0\" }
```

`aws ec2 describe-snapshots --owner-ids self` lists your own.";
}

/// [`UNFIT`]
#[must_use]
pub fn unfit(volume: &Address, why: &str, at: Option<Span>, kind: Option<Span>, help: &str) -> Diagnostic {
    Diagnostic::error(&UNFIT, format!("{why} of `{volume}` does not fit its type")).at(at, "").at(kind, "the type").help(help)
}

/// [`UNFIT`]
#[must_use]
pub fn without_iops(volume: &Address, kind: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&UNFIT, format!("`{volume}` has no `iops`"))
        .at(at, format!("`{kind}` is told how fast it is"))
        .help("write `iops`, or choose `gp3`, which has 3000 by itself")
}

/// [`UNFIT`]
#[must_use]
pub fn key_of_plain(volume: &Address, at: Option<Span>, encrypted: Option<Span>) -> Diagnostic {
    Diagnostic::error(&UNFIT, format!("`{volume}` has a key and is not encrypted"))
        .at(at, "of no use")
        .at(encrypted, "not encrypted")
        .help("leave `encrypted` out: volumes are encrypted unless something else is written")
}

/// [`UNFIT`]
#[must_use]
pub fn key_by_alias(volume: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&UNFIT, format!("`kms_key_id` of `{volume}` is not the ARN of a key"))
        .at(at, "EC2 tells of a volume the ARN of its key alone")
        .help("write `arn:aws:kms:REGION:ACCOUNT:key/ID`: an id or an alias could not be compared with what EC2 tells")
}

/// [`ATTACHMENT`]
#[must_use]
pub fn half_attached(volume: &Address, there: &str, missing: &str, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&ATTACHMENT, format!("`{volume}` has `{there}` and no `{missing}`")).at(at, "not without the other").help(
        match missing {
            "instance" => format!("name the instance, or leave `{there}` out"),
            _ => format!("write a device name that is free, such as `{missing} = \"/dev/sdf\"`"),
        },
    )
}

/// [`TWO_ON_ONE`]
#[must_use]
pub fn two_on_one(instance: &Address, device: &str, second: Place<'_>, first: Place<'_>) -> Diagnostic {
    Diagnostic::error(&TWO_ON_ONE, format!("`{instance}` has two volumes `{device}`"))
        .at(second.1, format!("of `{}`", second.0))
        .at(first.1, format!("of `{}`", first.0))
        .help("give one of them another name")
}

/// [`NO_SIZE`]
#[must_use]
pub fn without_size(volume: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_SIZE, format!("`{volume}` has neither `size` nor `snapshot`"))
        .at(at, "how large is it?")
        .help("write `size`, in GiB, or the `snapshot` that it is made from")
}

/// [`NO_SNAPSHOT`]
#[must_use]
pub fn no_snapshot(volume: &Address, at: Option<Span>) -> Diagnostic {
    Diagnostic::error(&NO_SNAPSHOT, format!("`snapshot` of `{volume}` is no id of a snapshot"))
        .at(at, "does not begin with `snap-`")
        .help("write the id of a snapshot: `snap-0123456789abcdef0`")
}

/// [`OTHER_ZONE`]
#[must_use]
pub fn other_zone(volume: Place<'_>, zone: &str, instance: &Address, its_zone: &str, subnet: Place<'_>) -> Diagnostic {
    Diagnostic::error(&OTHER_ZONE, format!("`{}` is in `{zone}`, `{instance}` in `{its_zone}`", volume.0))
        .at(volume.1, "another zone than the instance's")
        .at(subnet.1, format!("the zone of `{}`, in which it stands", subnet.0))
        .help(format!("write `availability_zone = {}.availability_zone`", subnet.0))
}
