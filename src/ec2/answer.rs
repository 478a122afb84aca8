//! Answers: from the SDK's structs to JSON in the shape of the EC2 API reference. Layer 1.

use aws_sdk_ec2::primitives::{DateTime, DateTimeFormat};

use crate::{call::Json, ec2::api_name};

/// Something that an answer can hold. What is absent is null, and left out of objects.
pub trait ToJson {
    /// As JSON.
    fn to_json(&self) -> Json;
}

impl ToJson for String {
    fn to_json(&self) -> Json {
        self.as_str().into()
    }
}

impl ToJson for bool {
    fn to_json(&self) -> Json {
        (*self).into()
    }
}

impl ToJson for i32 {
    fn to_json(&self) -> Json {
        (*self).into()
    }
}

impl ToJson for i64 {
    fn to_json(&self) -> Json {
        (*self).into()
    }
}

/// A time, in the form of RFC 3339.
impl ToJson for DateTime {
    fn to_json(&self) -> Json {
        self.fmt(DateTimeFormat::DateTime).map_or(Json::Null, Json::from)
    }
}

impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Json {
        self.as_ref().map_or(Json::Null, T::to_json)
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Json {
        self.iter().map(T::to_json).collect()
    }
}

/// An object of members under their names in Rust.
#[must_use]
pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (api_name(name), value)).collect())
}

/// An answer with AWS's id of its request, as `ResponseMetadata`; whoever accounts for calls takes it out.
#[must_use]
pub fn of_request(id: Option<&str>, mut answer: Json) -> Json {
    if let (Some(id), Json::Object(members)) = (id, &mut answer) {
        members.insert("ResponseMetadata".into(), serde_json::json!({"RequestId": id}));
    }
    answer
}

/// Says what of the SDK's structs is shown: `shown! { Vpc(vpc_id, state); }`.
#[macro_export]
macro_rules! shown {
    ($($shape:ident($($member:ident),* $(,)?);)*) => {$(
        impl $crate::ec2::answer::ToJson for aws_sdk_ec2::types::$shape {
            fn to_json(&self) -> $crate::call::Json {
                $crate::ec2::answer::object([$((stringify!($member), $crate::ec2::answer::ToJson::to_json(&self.$member))),*])
            }
        }
    )*};
}

crate::shown! {
    AttributeBooleanValue(value);
    AttributeValue(value);
}
