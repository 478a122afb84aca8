//! Taking up what an interrupted apply has left. Layer 7: reads EC2, changes nothing there.

use std::fmt;

use crate::{
    apply::{find, read::ReadError, task::found},
    base::{address::Address, site::Site},
    call::{Driver, beside},
    registry::Spec,
    resources,
    state::{
        State,
        event::{Event, Made, OpenCalls, What},
        journal,
    },
};

/// What became of a call whose outcome the journal does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It made this, which is in the state now.
    Made {
        /// The resource.
        address: Address,
        /// EC2's id.
        id: String,
    },
    /// It made nothing: the next plan makes it.
    NotMade {
        /// The resource.
        address: Address,
    },
    /// It unmade this, which is out of the state now.
    Unmade {
        /// The resource.
        address: Address,
    },
    /// It changed something, or not: the next plan reads what is there.
    ToBeRead {
        /// The resource.
        address: Address,
        /// `DeleteVpc`
        action: String,
    },
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Made { address, id } => write!(f, "`{address}` was made: it is `{id}`"),
            Found::NotMade { address } => write!(f, "`{address}` was not made"),
            Found::Unmade { address } => write!(f, "`{address}` was deleted"),
            Found::ToBeRead { address, action } => write!(f, "whether {action} of `{address}` was carried out is read from EC2"),
        }
    }
}

/// The state that the events of an unfinished journal lead to, and what became of its open calls.
///
/// # Errors
/// EC2 could not be asked. Nothing is lost: the journal stays.
pub async fn recover(driver: &dyn Driver, state: State, events: &[Event]) -> Result<(State, Vec<Found>), ReadError> {
    let mut state = journal::fold(state, events);
    let mut all = vec![];
    for (task, open) in OpenCalls::of(events).0 {
        let unreachable = |error| ReadError { action: open.action.clone(), error };
        let other = open.site.as_ref().map(|site| beside(driver, site)).transpose().map_err(unreachable)?;
        let driver = other.as_deref().unwrap_or(driver);
        let spec = resources::spec(open.what.address().kind());
        let became = match (open.what, spec) {
            // What AWS gives is not made, only looked up.
            (What::Create { address, .. }, Some(spec)) if open.created == 0 && spec.stands_for.is_some() => Found::NotMade { address },
            (what, Some(spec)) if open.created < what.made().len() => {
                let of = (task, &*open.operation, open.site.as_ref());
                all.extend(made(driver, spec, &mut state, of, what.made()).await?);
                continue;
            }
            (What::Delete { address, id }, Some(spec)) if !find::stands(driver, spec, &id).await? => {
                state.fold(&Event::Done { task, what: What::Delete { address: address.clone(), id } });
                Found::Unmade { address }
            }
            (what, _) => Found::ToBeRead { address: what.address().clone(), action: open.action },
        };
        all.push(became);
    }
    Ok((state, all))
}

/// What a call has made whose answer the journal does not have, or not in full: each thing is found by the call's random
/// tag, and several of one call by how EC2 counts them.
async fn made(
    driver: &dyn Driver,
    spec: &'static Spec,
    state: &mut State,
    (task, operation, site): (usize, &str, Option<&Site>),
    wanted: Vec<Made>,
) -> Result<Vec<Found>, ReadError> {
    let many = wanted.len();
    let items = match find::listing(spec, spec.tag_type) {
        Some(listing) => find::made(driver, listing, operation, many).await?,
        None => vec![],
    };
    let known = |state: &State, address: &Address| state.resources.get(address).is_some_and(|r| r.secnet_id == operation);
    let mut became = vec![];
    for (place, wanted) in wanted.into_iter().enumerate() {
        if many > 1 && known(state, &wanted.address) {
            continue;
        }
        let address = wanted.address.clone();
        match find::placed(spec, &items, place, many).and_then(|item| found(spec, item, &wanted.record)) {
            Some((id, learned)) => {
                state.fold(&wanted.created(task, id.clone(), operation.to_owned(), learned, site.cloned()));
                became.push(Found::Made { address, id });
            }
            None => became.push(Found::NotMade { address }),
        }
    }
    Ok(became)
}
