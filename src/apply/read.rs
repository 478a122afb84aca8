//! Asking EC2: pages, filters, retries of reads. Layer 7: changes nothing there.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, task::Poll};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    apply::patience::{Patience, Reason},
    call::{ApiError, Class, Driver, Json, Request},
    registry::{Listing, Spec},
};

/// How many values a filter takes (EC2 user guide, "List and filter using the CLI and API").
pub const FILTER_VALUES_MAX: usize = 200;

/// How many reads are under way at once.
const PARALLEL_MAX: usize = 10;

/// EC2 could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadError {
    /// `DescribeVpcs`
    pub action: String,
    /// What it said.
    pub error: ApiError,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.action, self.error)
    }
}

/// Whoever asks.
pub struct Reader<'a> {
    driver: &'a dyn Driver,
    limit: Semaphore,
}

/// A filter: its name and the values that it admits.
pub type Filter<'a> = (&'a str, &'a [String]);

impl<'a> Reader<'a> {
    /// Asks a driver.
    pub fn new(driver: &'a dyn Driver) -> Self {
        Self { driver, limit: Semaphore::new(PARALLEL_MAX) }
    }

    /// Asks once, and again where that may help: a read may be sent any number of times.
    pub async fn send(&self, request: &Request) -> Result<Json, ReadError> {
        let mut patience = Patience::new();
        loop {
            // The semaphore is never closed.
            let permit = self.limit.acquire().await.ok();
            let answer = self.driver.send(request).await;
            drop(permit);
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // One that cannot be reached is said at once: nothing is lost, and a wrong endpoint is the likeliest reason.
            let reason = Reason::of(error.class, false, false).filter(|_| matches!(error.class, Class::Throttled | Class::Ambiguous));
            match reason.and_then(|reason| patience.next(reason)) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(ReadError { action: request.action.clone(), error }),
            }
        }
    }

    /// All answers to a request, page by page.
    pub async fn answers(&self, request: &Request) -> Result<Vec<Json>, ReadError> {
        let mut request = request.clone();
        let mut answers = vec![];
        loop {
            let answer = self.send(&request).await?;
            let more = answer.get("NextToken").and_then(Json::as_str).filter(|token| !token.is_empty()).map(str::to_owned);
            answers.push(answer);
            match more {
                Some(token) => request.params["NextToken"] = token.into(),
                None => return Ok(answers),
            }
        }
    }

    /// Asks once, for what one can do without.
    pub async fn once(&self, request: &Request) -> Result<Json, ApiError> {
        let permit = self.limit.acquire().await.ok();
        let answer = self.driver.send(request).await;
        drop(permit);
        answer
    }

    /// Everything that fits the filters, page by page.
    pub async fn pages(&self, action: &str, items: &[&str], filters: &[Filter<'_>], page: Option<u16>) -> Result<Vec<Json>, ReadError> {
        // A listing that takes no filter for ids gives everything: whoever asks takes out what is meant.
        let filters: Vec<Json> =
            filters.iter().filter(|(name, _)| !name.is_empty()).map(|(name, values)| json!({"Name": name, "Values": values})).collect();
        let mut params = json!({});
        if !filters.is_empty() {
            params["Filters"] = filters.into();
        }
        self.all(action, items, params, page).await
    }

    /// Those of a type with these ids, page by page.
    pub async fn by_ids(&self, listing: &Listing, ids: &[String]) -> Result<Vec<Json>, ReadError> {
        let filters: &[Filter<'_>] = if listing.filter.is_empty() { &[] } else { &[(listing.filter, ids)] };
        let mut found = self.pages(listing.action, listing.items, filters, listing.page).await?;
        found.retain(|item| item.get(listing.id).and_then(Json::as_str).is_some_and(|id| ids.iter().any(|i| i == id)));
        Ok(found)
    }

    /// Everything that a request answers, page by page.
    pub async fn all(&self, action: &str, items: &[&str], mut params: Json, page: Option<u16>) -> Result<Vec<Json>, ReadError> {
        if let Some(page) = page {
            params["MaxResults"] = page.into();
        }
        let mut found = vec![];
        loop {
            let answer = self.send(&Request::new(action, params.clone())).await?;
            found.extend(elements(&answer, items).into_iter().cloned());
            match answer.get("NextToken").and_then(Json::as_str).filter(|token| !token.is_empty()) {
                Some(token) => params["NextToken"] = token.into(),
                None => return Ok(found),
            }
        }
    }
}

/// The items of an answer; lists on the way are flattened.
pub fn elements<'a>(answer: &'a Json, path: &[&str]) -> Vec<&'a Json> {
    path.iter().fold(vec![answer], |found, key| {
        let below = found.into_iter().filter_map(|at| at.get(key));
        below.flat_map(|at| at.as_array().map_or(std::slice::from_ref(at), Vec::as_slice)).collect()
    })
}

/// The member of an item that says that its further reads were made.
const COMPLETE: &str = "_Complete";

/// Reads what the listing leaves out, unless that was done. What is gone though still listed has nothing to read.
pub async fn complete(reader: &Reader<'_>, spec: &'static Spec, items: &mut BTreeMap<String, Json>) -> Result<(), ReadError> {
    let ids: Vec<String> =
        items.iter().filter(|(_, item)| item.get(COMPLETE).is_none() && (spec.observe)(item).is_some()).map(|(id, _)| id.clone()).collect();
    let requests = (spec.listing.more)(&ids);
    let answers = together(requests.iter().map(|request| -> Work<'_, _> { Box::pin(reader.answers(request)) }).collect()).await;
    for (request, answers) in requests.iter().zip(answers) {
        answers?.iter().for_each(|answer| (spec.listing.merge)(items, request, answer));
    }
    items.iter_mut().filter(|(id, _)| ids.contains(id)).for_each(|(_, item)| item[COMPLETE] = true.into());
    Ok(())
}

/// Something that is under way.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Does several things at once; the results stand in the order of the things.
pub async fn together<T>(work: Vec<Work<'_, T>>) -> Vec<T> {
    let mut slots: Vec<(Option<Work<'_, T>>, Option<T>)> = work.into_iter().map(|work| (Some(work), None)).collect();
    std::future::poll_fn(|context| {
        for (work, result) in &mut slots {
            if let Some(Poll::Ready(value)) = work.as_mut().map(|work| work.as_mut().poll(context)) {
                (*work, *result) = (None, Some(value));
            }
        }
        if slots.iter().all(|(work, _)| work.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    slots.into_iter().filter_map(|(_, result)| result).collect()
}
