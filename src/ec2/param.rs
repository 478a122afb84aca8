//! Parameters: from JSON to what the SDK's builders take. Layer 1.
//!
//! Every member must be asked for. What is left at the end is a mistake of ours, and is refused before anything is sent.

use std::collections::BTreeMap;

use aws_sdk_ec2::primitives::Blob;

use crate::{
    call::{ApiError, Class, Json},
    ec2::api_name,
};

/// A parameter that an action does not take, or not so.
#[derive(Debug, PartialEq)]
pub struct Wrong {
    /// Where it stands: `IpPermissions.0.FromPort`.
    path: String,
    /// What it should be; `None` where there is no such parameter.
    wanted: Option<&'static str>,
}

impl Wrong {
    /// Something else is wanted here.
    #[must_use]
    pub fn not(wanted: &'static str) -> Self {
        Self { path: String::new(), wanted: Some(wanted) }
    }

    /// The same, seen from one level above.
    fn under(mut self, outer: &str) -> Self {
        self.path = if self.path.is_empty() { outer.to_owned() } else { format!("{outer}.{}", self.path) };
        self
    }

    /// As a refusal of an action's request.
    #[must_use]
    pub fn of(self, action: &str) -> ApiError {
        let message = match self.wanted {
            None => format!("a bug in secnet: {action} has no parameter `{}`", self.path),
            Some(wanted) => format!("a bug in secnet: parameter `{}` of {action} is not {wanted}", self.path),
        };
        ApiError::without_answer(Class::Invalid, message)
    }
}

/// Something that a parameter can be.
pub trait FromJson: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// It is something else, or has a member that this has not.
    fn from_json(json: &Json) -> Result<Self, Wrong>;
}

impl FromJson for String {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        json.as_str().map(str::to_owned).ok_or(Wrong::not("a text"))
    }
}

impl FromJson for bool {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        json.as_bool().ok_or(Wrong::not("`true` or `false`"))
    }
}

impl FromJson for i32 {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        json.as_i64().and_then(|n| n.try_into().ok()).ok_or(Wrong::not("a whole number of 32 bits"))
    }
}

impl FromJson for i64 {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        json.as_i64().ok_or(Wrong::not("a whole number"))
    }
}

/// Bytes are base64 text in JSON.
impl FromJson for Blob {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        let bytes = json.as_str().and_then(|text| aws_smithy_types::base64::decode(text).ok());
        bytes.map(Blob::new).ok_or(Wrong::not("base64 text"))
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Json) -> Result<Self, Wrong> {
        let items = json.as_array().ok_or(Wrong::not("a list"))?;
        items.iter().enumerate().map(|(idx, item)| T::from_json(item).map_err(|wrong| wrong.under(&idx.to_string()))).collect()
    }
}

/// The members of an object that nobody has asked for yet.
pub struct Members<'a> {
    left: BTreeMap<&'a str, &'a Json>,
}

impl<'a> Members<'a> {
    /// All of them; one that is null counts as absent.
    ///
    /// # Errors
    /// It is no object.
    pub fn of(json: &'a Json) -> Result<Self, Wrong> {
        let members = json.as_object().ok_or(Wrong::not("an object"))?;
        Ok(Self { left: members.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (&**name, value)).collect() })
    }

    /// The member for a setter, if it is there.
    ///
    /// # Errors
    /// It is not what the setter takes.
    pub fn take<T: FromJson>(&mut self, setter: &str) -> Result<Option<T>, Wrong> {
        let name = api_name(setter);
        self.left.remove(&*name).map(T::from_json).transpose().map_err(|wrong| wrong.under(&name))
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// A member that nobody asked for.
    pub fn done(self) -> Result<(), Wrong> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(Wrong { path: (*name).to_owned(), wanted: None }),
        }
    }
}

/// Says how the SDK's structs are made: `taken! { Filter(set_name, set_values); }`.
#[macro_export]
macro_rules! taken {
    ($($shape:ident($($setter:ident),* $(,)?);)*) => {$(
        impl $crate::ec2::param::FromJson for aws_sdk_ec2::types::$shape {
            fn from_json(json: &$crate::call::Json) -> Result<Self, $crate::ec2::param::Wrong> {
                let mut members = $crate::ec2::param::Members::of(json)?;
                let shape = Self::builder()$(.$setter(members.take(stringify!($setter))?))*.build();
                members.done()?;
                Ok(shape)
            }
        }
    )*};
}

/// Says which of the SDK's enums are read and shown as the words that EC2 uses.
#[macro_export]
macro_rules! words {
    ($($shape:ident),* $(,)?) => {$(
        impl $crate::ec2::param::FromJson for aws_sdk_ec2::types::$shape {
            fn from_json(json: &$crate::call::Json) -> Result<Self, $crate::ec2::param::Wrong> {
                json.as_str().map(Self::from).ok_or($crate::ec2::param::Wrong::not("a word"))
            }
        }

        impl $crate::ec2::answer::ToJson for aws_sdk_ec2::types::$shape {
            fn to_json(&self) -> $crate::call::Json {
                self.as_str().into()
            }
        }
    )*};
}

crate::taken! {
    AttributeBooleanValue(set_value);
    AttributeValue(set_value);
    Filter(set_name, set_values);
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Filter;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_that_nobody_asks_for_is_refused_with_its_place() {
        let read = Vec::<Filter>::from_json(&json!([{"Name": "vpc-id", "Value": ["vpc-1"]}]));
        let Err(wrong) = read else { panic!("{read:?}") };
        assert_eq!(wrong.of("DescribeVpcs").message, "a bug in secnet: DescribeVpcs has no parameter `0.Value`");
    }

    #[test]
    fn a_member_of_another_type_is_refused_with_its_place() {
        let read = Filter::from_json(&json!({"Name": "vpc-id", "Values": ["vpc-1", 2]}));
        let Err(wrong) = read else { panic!("{read:?}") };
        assert_eq!(wrong.of("DescribeVpcs").message, "a bug in secnet: parameter `Values.1` of DescribeVpcs is not a text");
    }
}
