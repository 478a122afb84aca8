//! Every message secnet has: one constructor each, beside its long explanation. Layer 0.
//!
//! One file an area: E01 syntax, E02 names and types, E03 the network as a whole, E04 state and journal,
//! E05 apply, E06 the environment (credentials, endpoints, files), E07 planning,
//! E08 proofs, E09 policies that are waived or imposed.

pub mod apply;
pub mod console;
pub mod endpoint;
pub mod env;
pub mod environment;
pub mod guard;
pub mod lock;
pub mod module;
pub mod name;
pub mod neighbour;
pub mod network;
pub mod permission;
pub mod plan;
pub mod prove;
pub mod quota;
pub mod repeat;
pub mod scope;
pub mod sensitive;
pub mod site;
pub mod space;
pub mod state;
pub mod syntax;
pub mod template;
pub mod test;
pub mod value;
pub mod volume;
pub mod vpn;

use super::diagnostic::Code;

/// Every code, in order of its id.
pub fn all() -> impl Iterator<Item = &'static Code> {
    let areas = [
        syntax::ALL,
        name::ALL,
        value::ALL,
        repeat::ALL,
        template::ALL,
        sensitive::ALL,
        module::ALL,
        test::ALL,
        lock::ALL,
        env::ALL,
        neighbour::ALL,
        network::ALL,
        endpoint::ALL,
        volume::ALL,
        site::ALL,
        space::ALL,
        vpn::ALL,
        state::ALL,
        apply::ALL,
        environment::ALL,
        console::ALL,
        plan::ALL,
        permission::ALL,
        quota::ALL,
        scope::ALL,
        prove::ALL,
        guard::ALL,
    ];
    areas.into_iter().flatten().copied()
}

/// Declares codes: a constant each, and the list of them.
#[macro_export]
macro_rules! codes {
    ($($name:ident = $id:literal $title:literal $explanation:literal;)*) => {
        $(#[doc = $title] pub static $name: $crate::base::diagnostic::Code =
            $crate::base::diagnostic::Code { id: $id, title: $title, explanation: $explanation };)*
        /// Every code of this area.
        pub static ALL: &[&$crate::base::diagnostic::Code] = &[$(&$name),*];
    };
}
