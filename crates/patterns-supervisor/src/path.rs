//! Where a child is in its tree: the ids down to it, with a `/` between them.

use std::sync::Arc;

use otp_core::{CallError, ChildError, ChildInfo, ChildKind, SupervisorEvent, SupervisorRef};

/// A child that was found, and the supervisor that it belongs to.
pub(crate) struct Found {
    pub(crate) parent: SupervisorRef,
    pub(crate) child: ChildInfo,
    /// The ids down to it, its own included.
    pub(crate) ids: Vec<Arc<str>>,
}

/// Why a path led to no child.
pub(crate) enum Lost {
    NotFound,
    Call(CallError),
}

impl From<Lost> for ChildError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::NotFound => Self::NotFound,
            Lost::Call(error) => Self::Call(error),
        }
    }
}

/// Walks from `root` to the child that `path` names. An id may hold a `/` itself: at each supervisor the whole rest is
/// looked for first, then below each child whose id the rest begins with, the longest id first.
pub(crate) async fn find(root: &SupervisorRef, path: &str) -> Result<Found, Lost> {
    let mut ways = vec![(root.clone(), path, Vec::new())];
    while let Some((parent, path, mut ids)) = ways.pop() {
        let children = parent.which_children().await.map_err(Lost::Call)?;
        if let Some(child) = children.iter().find(|child| &*child.id == path) {
            let child = child.clone();
            ids.push(Arc::clone(&child.id));
            return Ok(Found { parent, child, ids });
        }
        let mut below: Vec<_> = children
            .iter()
            .filter(|child| child.kind == ChildKind::Supervisor)
            .filter_map(|child| {
                let rest = path.strip_prefix(&*child.id)?.strip_prefix('/')?;
                Some((&child.id, rest))
            })
            .collect();
        // The last of the ways is gone first.
        below.sort_by_key(|(id, _)| id.len());
        for (id, rest) in below {
            match parent.supervisor(id).await {
                Ok(supervisor) => {
                    let ids = ids.iter().chain([id]).cloned().collect();
                    ways.push((supervisor, rest, ids));
                }
                Err(ChildError::Call(error)) => return Err(Lost::Call(error)),
                // Removed meanwhile.
                Err(_) => {}
            }
        }
    }
    Err(Lost::NotFound)
}

/// Where an event happened, seen from the supervisor whose ids below the root are `prefix`; `None` if elsewhere.
/// The supervisor itself is an empty path.
pub(crate) fn relative<'a>(
    event: &'a SupervisorEvent,
    prefix: &[Arc<str>],
) -> Option<&'a [Arc<str>]> {
    event.path().get(1..)?.strip_prefix(prefix)
}
