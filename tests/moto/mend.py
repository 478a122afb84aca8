"""What moto gets wrong of NAT and transit gateways, put right as EC2 documents it, so that a network of several VPCs can be played.

Each place says what moto does and what EC2 does. <https://docs.aws.amazon.com/vpc/latest/tgw/tgw-route-tables.html>
"""


def instead(owner: type, name: str):
    """Puts a function in a method's place; it gets the method first."""

    def put(new):
        old = getattr(owner, name)
        setattr(owner, name, lambda self, *args, **kwargs: new(old, self, *args, **kwargs))
        return new

    return put


def addresses() -> None:
    """moto's Elastic IPs lie in 127.0.0.0/8: nothing comes back to them from the internet. It has others for instances."""
    from moto.ec2.models import elastic_ip_addresses
    from moto.ec2.utils import random_public_ip

    elastic_ip_addresses.random_ip = random_public_ip


def nat_gateways() -> None:
    from moto.ec2.models.nat_gateways import NatGateway

    @instead(NatGateway, "__init__")
    def its_address_lies_in_its_subnet(old, self, backend, subnet_id, *args, **kwargs):
        """moto makes up an address anywhere in 10.0.0.0/8: what comes back to it would find no way."""
        old(self, backend, subnet_id, *args, **kwargs)
        self.private_ip = backend.get_subnet(subnet_id).get_available_subnet_ip(self)
        self._eni.private_ip_address = self.private_ip
        for address in self._eni.private_ip_addresses[:1]:
            # Which Elastic IP is at which address stands beside each.
            address |= {"PrivateIpAddress": self.private_ip, "Association": self._eni.association}
        # moto shows its interface as anybody's, in the default group.
        self._eni.interface_type, self._eni.description = "nat_gateway", f"Interface for NAT Gateway {self.id}"
        self._eni.requester_managed, self._eni.source_dest_check, self._eni.status, self._eni._group_set = True, False, "in-use", []


def transit_gateways() -> None:
    from moto.ec2.models.transit_gateway import TransitGateway
    from moto.ec2.models.transit_gateway_attachments import TransitGatewayAttachment, TransitGatewayAttachmentBackend
    from moto.ec2.models.transit_gateway_route_tables import TransitGatewayRouteTableBackend
    from moto.ec2.responses.transit_gateway_attachments import TransitGatewayAttachment as Responses
    from moto.ec2.utils import describe_tag_filter

    @instead(TransitGateway, "__init__")
    def no_default_table_unless_asked_for(old, self, backend, *args, **kwargs):
        """moto makes a default route table whatever is asked."""
        old(self, backend, *args, **kwargs)
        wanted = ("Association", self.options["DefaultRouteTableAssociation"]), ("Propagation", self.options["DefaultRouteTablePropagation"])
        if all(value == "disable" for _, value in wanted):
            del backend.transit_gateways_route_tables[self.default_route_table.id]
        for what, value in wanted:
            if value == "disable":
                del self.options[f"{what}DefaultRouteTableId"]
                setattr(self.default_route_table, f"default_{what.lower()}_route_table", False)

    @instead(TransitGatewayAttachment, "__init__")
    def follows_the_default_table_if_there_is_one(old, self, *args, transit_gateway, **kwargs):
        """moto has each attachment follow the default route table whatever is asked."""
        old(self, *args, transit_gateway=transit_gateway, **kwargs)
        default = transit_gateway.options.get("AssociationDefaultRouteTableId")
        self._association_data = {"state": "associated", "transitGatewayRouteTableId": default} if default else {}

    def association(self):
        """moto tells the default route table, also of an attachment that follows another, or none any more."""
        told = {"State": self._association_data.get("state"), "TransitGatewayRouteTableId": self._association_data.get("transitGatewayRouteTableId")}
        return told if self.state == "available" and self._association_data else None

    TransitGatewayAttachment.association = property(association)

    @instead(TransitGatewayRouteTableBackend, "set_route_table_association")
    def no_table_is_told_of_what_does_not_follow_it(old, self, transit_gateway_attachment_id, transit_gateway_route_table_id):
        """moto has a new attachment stand in the default route table whatever is asked."""
        gateway = self.transit_gateways[self.transit_gateway_attachments[transit_gateway_attachment_id].transit_gateway_id]
        is_default = transit_gateway_route_table_id == gateway.default_route_table.id
        if not is_default or "AssociationDefaultRouteTableId" in gateway.options:
            old(self, transit_gateway_attachment_id, transit_gateway_route_table_id)

    @instead(TransitGatewayRouteTableBackend, "create_transit_gateway_route")
    def a_route_lists_its_attachments(old, self, *args, **kwargs):
        """moto answers with one attachment where EC2's model has a list: no client can read that."""
        route = old(self, *args, **kwargs)
        if isinstance(route.get("transitGatewayAttachments"), dict):
            route["transitGatewayAttachments"] = [route["transitGatewayAttachments"]]
        return route

    @instead(Responses, "create_transit_gateway_vpc_attachment")
    def an_attachment_is_tagged(old, self):
        """moto takes the tags of an attachment to be meant for a route table, and drops them."""
        answer = old(self)
        made = answer.result["TransitGatewayVpcAttachment"]
        made.add_tags(self._parse_tag_specification().get("transit-gateway-attachment", {}))
        return answer

    @instead(TransitGatewayAttachmentBackend, "describe_transit_gateway_vpc_attachments")
    def attachments_are_found_by_their_tags(old, self, *args, **kwargs):
        """moto knows no tags as filters here."""
        return describe_tag_filter(kwargs.get("filters") or {}, old(self, *args, **kwargs))
