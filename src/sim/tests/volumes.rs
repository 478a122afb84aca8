//! Volumes: what EC2 takes of them, and when.

use super::*;

impl Ec2 {
    /// A volume of 10 GiB, and an instance in the same zone.
    fn disk(&self) -> (String, String) {
        let vpc = self.vpc();
        let subnet = json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "eu-central-1a"});
        let subnet = self.get("Subnet.SubnetId", "CreateSubnet", subnet);
        let image = self.get("Images.0.ImageId", "DescribeImages", json!({"Filters": [{"Name": "architecture", "Values": ["x86_64"]}]}));
        let run = json!({"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet});
        let instance = self.get("Instances.0.InstanceId", "RunInstances", run);
        let volume = json!({"AvailabilityZone": "eu-central-1a", "Size": 10, "VolumeType": "gp3"});
        (self.get("VolumeId", "CreateVolume", volume), instance)
    }

    fn pass(&self, ticks: u64) {
        self.0.world(|w| w.advance(ticks));
    }

    fn volume(&self, id: &str, path: &str) -> String {
        self.get(&format!("Volumes.0.{path}"), "DescribeVolumes", json!({"VolumeIds": [id]}))
    }
}

#[test]
fn a_volume_is_attached_once_and_where_its_instance_is() {
    let ec2 = ec2();
    ec2.0.world(|w| w.pace.volume = 4);
    let (volume, instance) = ec2.disk();
    let to = |device: &str| json!({"VolumeId": volume, "InstanceId": instance, "Device": device});
    ec2.refuses("IncorrectState", "AttachVolume", to("/dev/sdf"));
    ec2.refuses("IncorrectState", "DeleteVolume", json!({"VolumeId": volume}));
    ec2.pass(4);
    ec2.refuses("InvalidParameterValue", "AttachVolume", to("sdf"));
    ec2.refuses("InvalidParameterValue", "AttachVolume", to("/dev/xvda"));
    let far = ec2.get("VolumeId", "CreateVolume", json!({"AvailabilityZone": "eu-central-1b", "Size": 1}));
    ec2.pass(4);
    ec2.refuses("InvalidVolume.ZoneMismatch", "AttachVolume", json!({"VolumeId": far, "InstanceId": instance, "Device": "/dev/sdf"}));
    assert_eq!(ec2.get("State", "AttachVolume", to("/dev/sdf")), "attaching");
    assert_eq!(ec2.volume(&volume, "State"), "in-use");
    ec2.refuses("VolumeInUse", "AttachVolume", to("/dev/sdg"));
    ec2.refuses("VolumeInUse", "DeleteVolume", json!({"VolumeId": volume}));
    ec2.pass(4);
    assert_eq!(ec2.volume(&volume, "Attachments.0.State"), "attached");
    ec2.refuses("IncorrectState", "DetachVolume", json!({"VolumeId": far}));
    ec2.refuses("InvalidAttachment.NotFound", "DetachVolume", json!({"VolumeId": volume, "Device": "/dev/sdg"}));
    assert_eq!(ec2.get("State", "DetachVolume", json!({"VolumeId": volume})), "detaching");
    ec2.refuses("VolumeInUse", "DeleteVolume", json!({"VolumeId": volume}));
    ec2.pass(4);
    ec2.ok("DeleteVolume", json!({"VolumeId": volume}));
    assert_eq!(ec2.volume(&volume, "State"), "deleting");
    ec2.pass(4);
    ec2.refuses("InvalidVolume.NotFound", "DescribeVolumes", json!({"VolumeIds": [volume]}));
}

#[test]
fn the_root_volume_stays_while_its_instance_runs() {
    let ec2 = ec2();
    let (_, instance) = ec2.disk();
    ec2.pass(9);
    let filter = json!({"Filters": [{"Name": "attachment.instance-id", "Values": [instance]}]});
    let root = ec2.get("Volumes.0.VolumeId", "DescribeVolumes", filter);
    ec2.refuses("OperationNotPermitted", "DetachVolume", json!({"VolumeId": root}));
    ec2.ok("StopInstances", json!({"InstanceIds": [instance]}));
    ec2.pass(9);
    ec2.ok("DetachVolume", json!({"VolumeId": root}));
}

#[test]
fn a_volume_grows_in_steps_and_four_times_a_day() {
    let ec2 = ec2();
    let (volume, _) = ec2.disk();
    ec2.pass(9);
    let to = |what: Json| {
        let mut params = json!({"VolumeId": volume});
        params.as_object_mut().into_iter().for_each(|map| map.extend(what.as_object().cloned().unwrap_or_default()));
        params
    };
    let number = |path: &str| ec2.ok("DescribeVolumes", json!({"VolumeIds": [volume]}))["Volumes"][0][path].as_i64();
    ec2.refuses("InvalidParameterValue", "ModifyVolume", to(json!({})));
    ec2.refuses("InvalidParameterValue", "ModifyVolume", to(json!({"Size": 9})));
    ec2.refuses("InvalidParameterValue", "ModifyVolume", to(json!({"Iops": 2999})));
    ec2.refuses("InvalidParameterValue", "ModifyVolume", to(json!({"Throughput": 1000})));
    ec2.refuses("InvalidParameterCombination", "ModifyVolume", to(json!({"VolumeType": "gp2", "Iops": 3000})));
    ec2.ok("ModifyVolume", to(json!({"Size": 20})));
    ec2.refuses("IncorrectModificationState", "ModifyVolume", to(json!({"Size": 30})));
    let state = || ec2.get("VolumesModifications.0.ModificationState", "DescribeVolumesModifications", json!({"VolumeIds": [volume]}));
    assert_eq!((number("Size"), &*state()), (Some(20), "completed"));
    ec2.ok("ModifyVolume", to(json!({"VolumeType": "io2", "Size": 30})));
    ec2.pass(9);
    assert_eq!((number("Iops"), number("Throughput")), (Some(3000), None));
    ec2.ok("ModifyVolume", to(json!({"VolumeType": "gp3", "Throughput": 500})));
    ec2.pass(9);
    ec2.ok("ModifyVolume", to(json!({"Size": 40})));
    ec2.pass(9);
    assert_eq!((number("Size"), number("Throughput")), (Some(40), Some(500)));
    ec2.refuses("VolumeModificationRateExceeded", "ModifyVolume", to(json!({"Size": 50})));
    ec2.pass(86_400);
    ec2.ok("ModifyVolume", to(json!({"Size": 50})));
}

#[test]
fn an_account_may_have_every_volume_encrypted() {
    let ec2 = ec2();
    let encrypted = |answer: Json| answer["Encrypted"].as_bool();
    let make = || ec2.ok("CreateVolume", json!({"AvailabilityZone": "eu-central-1a", "Size": 1}));
    assert_eq!(encrypted(make()), Some(false));
    ec2.ok("EnableEbsEncryptionByDefault", json!({}));
    assert_eq!(ec2.ok("GetEbsEncryptionByDefault", json!({}))["EbsEncryptionByDefault"], json!(true));
    assert_eq!(encrypted(make()), Some(true));
    ec2.ok("DisableEbsEncryptionByDefault", json!({}));
    assert_eq!(encrypted(make()), Some(false));
    ec2.refuses("InvalidZone.NotFound", "CreateVolume", json!({"AvailabilityZone": "eu-central-1z", "Size": 1}));
    let sized = |kind: &str, size: i64| json!({"AvailabilityZone": "eu-central-1a", "Size": size, "VolumeType": kind});
    ec2.refuses("InvalidParameterValue", "CreateVolume", sized("st1", 124));
    ec2.refuses("MissingParameter", "CreateVolume", sized("io2", 10));
}
