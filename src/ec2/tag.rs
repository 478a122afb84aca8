//! Tags, which things of every type carry. Layer 1.

use crate::{action, ec2::Action, shown, taken, words};

taken! {
    Tag(set_key, set_value);
    TagSpecification(set_resource_type, set_tags);
}

shown! {
    Tag(key, value);
    TagDescription(key, resource_id, resource_type, value);
}

words! { ResourceType }

/// The actions on tags.
pub const ACTIONS: &[Action] = &[
    action!(CreateTags: create_tags(set_resources, set_tags) -> ()),
    action!(DeleteTags: delete_tags(set_resources, set_tags) -> ()),
    action!(DescribeTags: describe_tags(set_filters, set_max_results, set_next_token) -> (tags, next_token)),
];
