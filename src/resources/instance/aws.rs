//! How the actions of instances go through the SDK. Layer 3.

use crate::{action, ec2::Action, shown, taken, words};

taken! {
    BlockDeviceMapping(set_device_name, set_ebs);
    CreditSpecificationRequest(set_cpu_credits);
    InstanceCreditSpecificationRequest(set_cpu_credits, set_instance_id);
    EbsBlockDevice(set_delete_on_termination, set_encrypted, set_iops, set_kms_key_id, set_throughput, set_volume_size, set_volume_type);
    IamInstanceProfileSpecification(set_arn, set_name);
    InstanceMetadataOptionsRequest(
        set_http_endpoint, set_http_protocol_ipv6, set_http_put_response_hop_limit, set_http_tokens, set_instance_metadata_tags,
    );
    InstanceNetworkInterfaceSpecification(
        set_associate_public_ip_address, set_delete_on_termination, set_description, set_device_index, set_groups,
        set_ipv6_address_count, set_ipv6_addresses, set_network_interface_id, set_private_ip_address, set_subnet_id,
    );
    LaunchTemplateSpecification(set_launch_template_id, set_version);
    Placement(set_tenancy);
    RunInstancesMonitoringEnabled(set_enabled);
    SecureBlobAttributeValue(set_value);
}

shown! {
    Reservation(instances, owner_id, reservation_id);
    Instance(
        ami_launch_index, architecture, block_device_mappings, client_token, ebs_optimized, hypervisor, iam_instance_profile, image_id, instance_id, monitoring,
        instance_lifecycle, instance_type, ipv6_address, key_name, launch_time, metadata_options, network_interfaces, placement,
        platform_details, private_dns_name, private_ip_address, public_dns_name, public_ip_address, root_device_name, root_device_type,
        security_groups, source_dest_check, state, state_reason, state_transition_reason, subnet_id, tags, virtualization_type, vpc_id,
    );
    IamInstanceProfile(arn, id);
    InstanceCreditSpecification(cpu_credits, instance_id);
    SuccessfulInstanceCreditSpecificationItem(instance_id);
    UnsuccessfulInstanceCreditSpecificationItem(error, instance_id);
    UnsuccessfulInstanceCreditSpecificationItemError(code, message);
    InstanceBlockDeviceMapping(device_name, ebs);
    EbsInstanceBlockDevice(attach_time, delete_on_termination, status, volume_id);
    InstanceMetadataOptionsResponse(
        http_endpoint, http_protocol_ipv6, http_put_response_hop_limit, http_tokens, instance_metadata_tags, state,
    );
    InstanceNetworkInterface(
        association, attachment, description, groups, interface_type, ipv6_addresses, mac_address, network_interface_id, owner_id, private_dns_name,
        private_ip_address, private_ip_addresses, source_dest_check, status, subnet_id, vpc_id,
    );
    InstanceNetworkInterfaceAssociation(ip_owner_id, public_dns_name, public_ip);
    InstanceIpv6Address(ipv6_address);
    InstancePrivateIpAddress(primary, private_ip_address);
    InstanceNetworkInterfaceAttachment(attach_time, attachment_id, delete_on_termination, device_index, network_card_index, status);
    InstanceState(code, name);
    InstanceStateChange(current_state, instance_id, previous_state);
    InstanceMonitoring(instance_id, monitoring);
    Monitoring(state);
    Placement(availability_zone, group_name, tenancy);
    StateReason(code, message);
}

words! {
    HttpTokensState, HypervisorType, InstanceAttributeName, InstanceLifecycleType, InstanceMetadataEndpointState,
    InstanceMetadataOptionsState, InstanceMetadataProtocolState, InstanceMetadataTagsState, InstanceStateName, InstanceType, MonitoringState, ShutdownBehavior,
    UnsuccessfulInstanceCreditSpecificationErrorCode,
}

pub(super) const ACTIONS: &[Action] = &[
    // `UserData` is base64 text on both sides: the SDK sends the text as it is.
    action!(RunInstances: run_instances(
        set_block_device_mappings, set_client_token, set_credit_specification, set_disable_api_stop, set_disable_api_termination, set_ebs_optimized,
        set_iam_instance_profile, set_image_id, set_instance_initiated_shutdown_behavior, set_instance_type, set_ipv6_address_count,
        set_ipv6_addresses, set_key_name, set_launch_template, set_max_count, set_metadata_options, set_min_count, set_monitoring, set_network_interfaces, set_placement, set_private_ip_address,
        set_security_group_ids, set_subnet_id, set_tag_specifications, set_user_data,
    ) -> (instances, owner_id, reservation_id)),
    action!(DescribeInstances: describe_instances(set_filters, set_instance_ids, set_max_results, set_next_token)
        -> (next_token, reservations)),
    action!(TerminateInstances: terminate_instances(set_instance_ids) -> (terminating_instances)),
    action!(AttachNetworkInterface: attach_network_interface(set_device_index, set_instance_id, set_network_interface_id)
        -> (attachment_id, network_card_index)),
    action!(DetachNetworkInterface: detach_network_interface(set_attachment_id) -> ()),
    action!(StartInstances: start_instances(set_instance_ids) -> (starting_instances)),
    action!(StopInstances: stop_instances(set_instance_ids) -> (stopping_instances)),
    // EC2 takes one attribute a call.
    action!(ModifyInstanceAttribute: modify_instance_attribute(
        set_disable_api_stop, set_disable_api_termination, set_ebs_optimized, set_groups, set_instance_id,
        set_instance_initiated_shutdown_behavior, set_instance_type, set_source_dest_check, set_user_data,
    ) -> ()),
    action!(DescribeInstanceAttribute: describe_instance_attribute(set_attribute, set_instance_id) -> (
        disable_api_stop, disable_api_termination, instance_id, instance_initiated_shutdown_behavior, user_data
    )),
    action!(DescribeInstanceCreditSpecifications: describe_instance_credit_specifications(
        set_filters, set_instance_ids, set_max_results, set_next_token,
    ) -> (instance_credit_specifications, next_token)),
    action!(ModifyInstanceCreditSpecification: modify_instance_credit_specification(set_client_token, set_instance_credit_specifications)
        -> (successful_instance_credit_specifications, unsuccessful_instance_credit_specifications)),
    action!(MonitorInstances: monitor_instances(set_instance_ids) -> (instance_monitorings)),
    action!(UnmonitorInstances: unmonitor_instances(set_instance_ids) -> (instance_monitorings)),
    action!(ModifyInstanceMetadataOptions: modify_instance_metadata_options(
        set_http_endpoint, set_http_protocol_ipv6, set_http_put_response_hop_limit, set_http_tokens, set_instance_id,
        set_instance_metadata_tags,
    ) -> (instance_id, instance_metadata_options)),
];
