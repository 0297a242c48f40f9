//! What happens before any of a body is read: the store is asked whether it wants it, and what it takes
//! is made ready.

use std::time::Duration;

use hyper::body::Incoming;

use super::answer::Answer;
use super::exchange::Opening;
use super::faults;
use super::flow::Running;
use super::intake::Leftover;
use super::record::{Auth, Termination};
use super::upload::Upload;
use crate::policy::Unjudged;

/// How long the store may take to say 100 Continue, or no, before a body is sent all the same.
pub(super) const CONTINUE_PATIENCE: Duration = Duration::from_secs(1);

/// How long it may take where nothing is sent before the store has accepted the head.
const ACCEPTANCE_PATIENCE: Duration = Duration::from_secs(5);

impl Upload {
    /// The head goes to the store, and its answer decides whether the body is read at all: where the
    /// client waits for that, with `Expect: 100-continue`, and where nobody may send a byte whom the
    /// store does not know.
    ///
    /// # Errors
    /// The answer that the client gets at once.
    pub(super) async fn ask_first(
        mut self: Box<Self>,
        body: Incoming,
    ) -> Result<(Box<Self>, Incoming, Running), Answer> {
        let patience = match self.case.needs_acceptance() {
            true => ACCEPTANCE_PATIENCE,
            false => CONTINUE_PATIENCE,
        };
        for fresh in [false, true] {
            let Ok(mut running) = self.case.open_asking(fresh).await else { break };
            let opening = running.exchange.opening(patience).await;
            faults::point("asked");
            match opening {
                Opening::Final(response) => {
                    // The body of a client that waits may never come, and whatever comes next on its
                    // connection must not be taken for it: hyper lets go of it before it has the
                    // answer.
                    let rest = (!self.case.s3.expect_continue).then_some(body);
                    let rest = rest.map(Leftover::untouched);
                    return Err(self.relay_early(response, running, rest));
                }
                Opening::Continue => self.case.auth = Some(Auth::Accepted),
                Opening::Quiet if self.case.needs_acceptance() => break,
                // What the gate has verified itself stays so.
                Opening::Quiet => {
                    self.case.auth.get_or_insert(Auth::Unverified);
                }
                Opening::Failed if running.exchange.is_reused() => continue,
                Opening::Failed => break,
            }
            return Ok((self, body, running));
        }
        Err(self.unreachable(Some(Leftover::untouched(body)), Termination::StoreConnect))
    }

    /// What a body takes before it is read: the place of a part among others, and memory.
    ///
    /// # Errors
    /// A shortage of ours, for which it may be turned away.
    pub(super) async fn begin(&mut self) -> Result<(), Unjudged> {
        if let Err(fault) = self.begin_part().await
            && self.case.may_retry()
        {
            return Err(fault);
        }
        self.make_room_for_decoding()
    }
}
