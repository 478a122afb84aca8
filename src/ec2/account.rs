//! What belongs to an account and its region rather than to a resource: who is asking, zones, images. Layer 1.

use crate::{action, ec2::Action, shown, words};

shown! {
    AccountAttribute(attribute_name, attribute_values);
    AccountAttributeValue(attribute_value);
    AvailabilityZone(group_name, network_border_group, opt_in_status, region_name, state, zone_id, zone_name, zone_type);
    Image(
        architecture, block_device_mappings, boot_mode, creation_date, deprecation_time, description, ena_support, image_id,
        image_location, image_owner_alias, name, owner_id, platform_details, public, root_device_name, root_device_type, state, tags,
        virtualization_type,
    );
    BlockDeviceMapping(device_name, ebs, no_device, virtual_name);
    InstanceTypeOffering(instance_type, location, location_type);
    EbsBlockDevice(delete_on_termination, encrypted, iops, kms_key_id, snapshot_id, throughput, volume_size, volume_type);
}

words! {
    AccountAttributeName, ArchitectureValues, AvailabilityZoneOptInStatus, AvailabilityZoneState, BootModeValues, DeviceType, ImageState, LocationType,
    VirtualizationType,
    VolumeType,
}

/// The actions on the account and what it sees in its region.
pub const ACTIONS: &[Action] = &[
    action!(DescribeAccountAttributes: describe_account_attributes(set_attribute_names) -> (account_attributes)),
    action!(DescribeAvailabilityZones: describe_availability_zones(set_filters, set_zone_names, set_all_availability_zones)
        -> (availability_zones)),
    action!(DescribeInstanceTypeOfferings: describe_instance_type_offerings(set_filters, set_location_type, set_max_results, set_next_token)
        -> (instance_type_offerings, next_token)),
    action!(DescribeImages: describe_images(set_filters, set_image_ids, set_include_deprecated, set_max_results, set_next_token, set_owners)
        -> (images, next_token)),
    action!(sts GetCallerIdentity: get_caller_identity() -> (account, arn, user_id)),
];
