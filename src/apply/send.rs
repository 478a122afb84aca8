//! Sending a call that changes something, until it is known what came of it. Layer 7.

use std::time::Duration;

use crate::{
    apply::{
        Held, TaskError, find,
        holder::{self, Holder},
        pace::Pace,
        patience::{Patience, Reason},
    },
    call::{ApiError, Call, Class, Driver, Json, Request},
    registry::Listing,
};

/// What came of a call.
#[derive(Debug, PartialEq)]
pub enum Sent {
    /// Its answer.
    Answer(Json),
    /// The answer was lost; what the call made, as EC2 lists it.
    Found(Vec<Json>),
    /// What it is for holds already.
    Satisfied,
    /// A try had no answer: it may have been carried out and have taken away what the call names. Whatever was read to make
    /// the call must be read again.
    Overtaken,
}

/// A call, ready to be sent.
pub struct Sending<'a> {
    /// Where to.
    pub driver: &'a dyn Driver,
    /// How fast calls go out.
    pub pace: &'a Pace,
    /// As planned.
    pub call: &'a Call,
    /// Filled in.
    pub request: &'a Request,
    /// Its random id.
    pub operation: &'a str,
    /// How to look up what it makes; `None` where that cannot be found by its tag.
    pub listing: Option<&'a Listing>,
    /// How many things it makes.
    pub many: usize,
    /// Whether it is there to unmake something, so that «not found» is as good as done.
    pub deletes: bool,
    /// Whether it names something made a short while ago.
    pub names_young: bool,
    /// Whether it was made from what was read just before, which it may itself have changed.
    pub was_read_for: bool,
    /// Told of each wait before the next try.
    pub told: &'a (dyn Fn(&ApiError, Duration) + Sync),
    /// Told of a wait for its turn.
    pub paced: &'a (dyn Fn(Duration) + Sync),
    /// What it lets go of, and how that is waited for; `None` where nothing goes.
    pub going: Option<Going<'a>>,
}

/// Something that is to go.
pub struct Going<'a> {
    /// Its id.
    pub id: &'a str,
    /// For how long at most those are waited for who let go by themselves.
    pub within: Duration,
    /// What the project calls an id.
    pub named: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Told of who holds it while that is waited for.
    pub told: &'a (dyn Fn(&Holder) + Sync),
}

/// Sends it, as often as that is safe and may help.
///
/// After a try without an answer, what it may have made is looked up by its tag before it is sent again, and it is not sent
/// before EC2 has answered that; where there is nothing to look up, sending again is harmless: EC2 refuses the second with a
/// code that says so.
pub async fn send(sending: &Sending<'_>) -> Result<Sent, TaskError> {
    let Sending { driver, call, request, listing, .. } = *sending;
    let mut patience = Patience::new();
    // Whether an earlier try may have been carried out.
    let mut doubtful = false;
    let mut holders = vec![];
    // Until when somebody was seen to hold it who lets go by himself.
    let mut held_until = Duration::ZERO;
    loop {
        let error = match once(sending).await {
            Ok(answer) => return Ok(Sent::Answer(answer)),
            Err(error) => error,
        };
        let nothing_left = call.satisfied_by.contains(&error.code) && !error.code.is_empty();
        // What is there already and cannot be looked up by a tag was made by the try before.
        let by_us = doubtful && listing.is_none() && error.class == Class::Duplicate;
        if nothing_left || by_us || (sending.deletes && error.class == Class::NotFound) {
            return Ok(Sent::Satisfied);
        }
        if doubtful && listing.is_none() && error.class == Class::NotFound {
            return Ok(Sent::Overtaken);
        }
        doubtful |= error.class == Class::Ambiguous;
        if doubtful && let Some(listing) = listing {
            match looked_up(sending, listing, &mut patience).await {
                Some(items) if !items.is_empty() => return Ok(Sent::Found(items)),
                Some(_) if error.class != Class::Ambiguous => doubtful = false,
                Some(_) => {}
                // Sent again it could make a second one: the call stays open, and the next run looks first.
                None => return Err(TaskError::NoAnswer { action: request.action.clone(), error }),
            }
        }
        let reason = Reason::of(error.class, sending.deletes, sending.names_young);
        let wait = match (reason, &sending.going) {
            (Some(Reason::InUse), Some(going)) => {
                holders = holder::of(driver, going.id, going.named).await;
                let passes = holder::all_pass(&holders);
                holders.iter().take(usize::from(passes)).for_each(going.told);
                if passes {
                    held_until = patience.spent();
                    patience.next_within(Reason::InUse, going.within)
                } else {
                    // Whoever held it may have let go since it was refused.
                    patience.next_within(Reason::InUse, held_until + Reason::InUse.limit())
                }
            }
            (reason, _) => reason.and_then(|reason| patience.next(reason)),
        };
        let Some(wait) = wait else {
            let action = request.action.clone();
            let open = doubtful && listing.is_some();
            return Err(if open {
                TaskError::NoAnswer { action, error }
            } else if error.class == Class::InUse && !holders.is_empty() {
                let id = sending.going.as_ref().map_or("", |going| going.id).to_owned();
                TaskError::Held(Box::new(Held { action, id, error, tried_for: patience.spent(), holders }))
            } else {
                TaskError::Refused { action, error, tried_for: patience.spent() }
            });
        };
        (sending.told)(&error, wait);
        tokio::time::sleep(wait).await;
        if sending.was_read_for && listing.is_none() && error.class == Class::Ambiguous {
            return Ok(Sent::Overtaken);
        }
    }
}

/// Sends it, at the pace of all the others.
async fn once(sending: &Sending<'_>) -> Result<Json, ApiError> {
    let action = &sending.request.action;
    let asked = tokio::time::Instant::now();
    sending.pace.turn(action).await;
    Some(asked.elapsed()).filter(|waited| !waited.is_zero() && waited.as_millis() > 0).into_iter().for_each(sending.paced);
    let answer = sending.driver.send(sending.request).await.and_then(|answer| refused_within(&answer).map_or(Ok(answer), Err));
    if answer.as_ref().is_err_and(|error| error.class == Class::Throttled) {
        sending.pace.refused(action);
    }
    answer
}

/// What a try without an answer has made; `None` where EC2 does not say, however long it is asked.
async fn looked_up(sending: &Sending<'_>, listing: &Listing, patience: &mut Patience) -> Option<Vec<Json>> {
    loop {
        let error = match find::made(sending.driver, listing, sending.operation, sending.many).await {
            Ok(items) => return Some(items),
            Err(read) => read.error,
        };
        let wait = Reason::of(error.class, false, false).and_then(|reason| patience.next(reason))?;
        (sending.told)(&error, wait);
        tokio::time::sleep(wait).await;
    }
}

/// A refusal that EC2 writes into an answer, as actions on several things do.
fn refused_within(answer: &Json) -> Option<ApiError> {
    let lists = ["Unsuccessful", "UnsuccessfulInstanceCreditSpecifications"];
    let error = lists.iter().find_map(|list| answer.get(*list))?.as_array()?.first()?.get("Error")?;
    let text = |member: &str| error.get(member).and_then(Json::as_str).unwrap_or_default();
    Some(ApiError::new(text("Code"), text("Message")))
}
