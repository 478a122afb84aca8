//! What becomes of each call: which task made it, when, how long it took, AWS's id of it. Layer 7.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    base::site::Site,
    call::{ApiError, Json},
};

tokio::task_local! {
    /// The task that is being carried out.
    pub(super) static TASK: usize;
}

/// A call that has been answered, or has not.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// The task of the plan that made it, if one did.
    pub task: Option<usize>,
    /// `CreateVpc`
    pub action: String,
    /// The account and region; `None`: the project's own.
    pub site: Option<Site>,
    /// When it was sent.
    pub began: Instant,
    /// How long it took.
    pub took: Duration,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// EC2's code where it refused, `no answer` where none came.
    pub error: Option<String>,
}

/// Who is told of every call.
pub type Watcher = Arc<dyn Fn(Note) + Send + Sync>;

/// A place for one who watches.
#[derive(Clone, Default)]
pub(super) struct Watched(Arc<OnceLock<Watcher>>);

impl Watched {
    pub(super) fn by(&self, watcher: Watcher) {
        let _ = self.0.set(watcher);
    }

    /// Tells of a call.
    pub(super) fn tell(&self, action: &str, site: Option<&Site>, began: Instant, answer: &Result<Json, ApiError>, id: Option<String>) {
        let Some(watcher) = self.0.get() else { return };
        let error = answer.as_ref().err().map(|error| if error.code.is_empty() { "no answer".into() } else { error.code.clone() });
        watcher(Note {
            task: TASK.try_with(|task| *task).ok(),
            action: action.into(),
            site: site.cloned(),
            began,
            took: began.elapsed(),
            request_id: id.or_else(|| answer.as_ref().err().and_then(|error| error.request_id.clone())),
            error,
        });
    }
}

/// Takes AWS's id of the request out of an answer.
pub(super) fn request_id(answer: &mut Result<Json, ApiError>) -> Option<String> {
    let metadata = answer.as_mut().ok()?.as_object_mut()?.remove("ResponseMetadata")?;
    metadata.get("RequestId").and_then(Json::as_str).map(str::to_owned)
}
