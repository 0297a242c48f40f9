//! A whole run: a bucket made ready, all cases tried, what they left looked at, everything removed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use http::header::SERVER;

use super::attempt::{Attempts, Left};
use super::case::Case;
use super::framing::Framing;
use super::outcome::{Object, Outcome};
use super::store::{Reply, Store, told};
use super::target::Target;

/// Cases tried at a time: a store that waits for the rest of each half-closed upload would take
/// minutes otherwise.
const WORKERS: usize = 4;

/// How long after an upload its object may still appear: twice what was ever seen of a store on the
/// same machine. There is nothing to wait for where nothing appears, so all of it is waited.
const SETTLE: Duration = Duration::from_secs(2);

/// A case and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// What was tried.
    pub(super) case: Case,
    /// What came of it.
    pub(super) outcome: Outcome,
}

/// What a run found out.
pub(super) struct Found {
    /// What the store calls itself.
    pub(super) server: Option<String>,
    /// Each case, in order.
    pub(super) findings: Vec<Finding>,
}

/// Tries everything. What could not be removed afterwards is added to `left_behind`.
///
/// # Errors
/// The store can't be reached, does not let the bucket be used, or takes no plain upload; or the
/// operator stopped it.
pub(super) fn run(
    target: &Target,
    prefix: String,
    stop: &AtomicBool,
    left_behind: &mut Vec<String>,
) -> io::Result<Found> {
    let (created, server) = prepare(Store(target))?;
    let attempts = Attempts::new(target, prefix, stop);
    let tried = try_all(&attempts);
    // Before anything is removed, too: an upload may still be on its way.
    thread::sleep(SETTLE);
    let findings = match attempts.is_stopped() {
        true => Err(io::Error::other("stopped before all was tried")),
        false => tried.and_then(|tried| look_at_all(&attempts, tried)),
    };
    clean_up(&attempts, created, left_behind);
    Ok(Found { server, findings: findings? })
}

/// Makes the bucket if it is not there. Whether it was made, and what the store calls itself.
fn prepare(store: Store<'_>) -> io::Result<(bool, Option<String>)> {
    let bucket = &store.0.bucket;
    let refused = |what: &str, reply: &Reply| {
        Err(io::Error::other(format!("the store refuses {what} bucket {bucket}: {}", told(reply))))
    };
    let reply = store.has_bucket()?;
    let answer = match &reply {
        Ok(answer) if answer.is_success() || answer.status == 404 => answer,
        Ok(_) | Err(_) => return refused("to show", &reply),
    };
    let server = answer.headers.get(SERVER).map(|name| String::from_utf8_lossy(name.as_bytes()));
    let server = server.map(|name| name.into_owned());
    if answer.is_success() {
        return Ok((false, server));
    }
    match store.make_bucket()? {
        Ok(answer) if answer.is_success() => Ok((true, server)),
        reply => refused("to make", &reply),
    }
}

/// A case that was tried, and what it may have left.
type Tried = (Case, Outcome, Left);

fn try_all(attempts: &Attempts<'_>) -> io::Result<Vec<Tried>> {
    let witness = Case::Complete(Framing::Identity);
    let (outcome, left) = attempts.attempt(witness)?;
    if !outcome.status.is_some_and(|status| (200..300).contains(&status)) {
        let (status, code) = (outcome.status.unwrap_or_default(), outcome.code.unwrap_or_default());
        return Err(io::Error::other(format!("the store takes no plain upload: {status} {code}")));
    }
    let mut tried = vec![(witness, outcome, left)];
    tried.extend(try_others(attempts, witness)?);
    let order = Case::all();
    tried.sort_by_key(|(case, ..)| order.iter().position(|other| other == case));
    Ok(tried)
}

/// Tries all cases but the first, waits beside the rest.
fn try_others(attempts: &Attempts<'_>, first: Case) -> io::Result<Vec<Tried>> {
    let others = Case::all().into_iter().filter(|&case| case != first);
    let (waits, work): (Vec<Case>, Vec<Case>) = others.partition(|case| case.only_waits());
    let (work, tried) = (Mutex::new(work.into_iter()), Mutex::new(Vec::new()));
    let failed = AtomicBool::new(false);
    let attempt = |case| {
        let done = attempts.attempt(case);
        failed.fetch_or(done.is_err(), Ordering::Relaxed);
        let done = done.map(|(outcome, left)| (case, outcome, left));
        let done = done.map_err(|error| io::Error::new(error.kind(), format!("{case}: {error}")));
        tried.lock().unwrap_or_else(PoisonError::into_inner).push(done);
    };
    let next = || {
        let done = attempts.is_stopped() || failed.load(Ordering::Relaxed);
        if done { None } else { work.lock().unwrap_or_else(PoisonError::into_inner).next() }
    };
    thread::scope(|scope| {
        for case in waits {
            scope.spawn(move || attempt(case));
        }
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(case) = next() {
                    attempt(case);
                }
            });
        }
    });
    tried.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

fn look_at_all(attempts: &Attempts<'_>, tried: Vec<Tried>) -> io::Result<Vec<Finding>> {
    tried.into_iter().map(|tried| look(attempts, tried)).collect()
}

/// Adds what a case left in the store to what came of it.
fn look(attempts: &Attempts<'_>, (case, mut outcome, left): Tried) -> io::Result<Finding> {
    let (store, key) = (Store(attempts.target), attempts.key(case));
    let found = match left {
        Left::Nothing => return Ok(Finding { case, outcome }),
        Left::Object => of_object(&store.read(&key)?, &attempts.payload, None),
        Left::Over => of_object(&store.read(&key)?, &attempts.payload, Some(&attempts.old)),
        Left::Part(id) => of_parts(&store.parts(&key, &id)?),
    };
    outcome.object = Some(found.0);
    outcome.bytes = found.1;
    Ok(Finding { case, outcome })
}

fn of_object(reply: &Reply, payload: &[u8], old: Option<&[u8]>) -> (Object, Option<u64>) {
    match reply {
        Ok(answer) if answer.is_success() => {
            let is_old = old.is_some_and(|old| old == answer.body);
            let object = if is_old { Object::Old } else { Object::of(&answer.body, payload) };
            (object, u64::try_from(answer.body.len()).ok())
        }
        Ok(answer) if answer.status == 404 => (Object::None, None),
        Ok(_) | Err(_) => (Object::Unknown, None),
    }
}

/// Of a part only its length is told.
fn of_parts(reply: &Reply) -> (Object, Option<u64>) {
    let Ok(answer) = reply.as_ref() else { return (Object::Unknown, None) };
    if !answer.is_success() {
        return (Object::Unknown, None);
    }
    let size = answer.text("Size").and_then(|size| size.parse::<u64>().ok());
    let object = match size {
        None => Object::None,
        Some(size) if size == super::attempt::PAYLOAD as u64 => Object::Whole,
        Some(size) if size < super::attempt::PAYLOAD as u64 => Object::Short,
        Some(_) => Object::Other,
    };
    (object, size)
}

/// Removes every key that a case may have written, the uploads, and the bucket if it was made.
fn clean_up(attempts: &Attempts<'_>, created: bool, left_behind: &mut Vec<String>) {
    let store = Store(attempts.target);
    let mut check = |what: String, reply: io::Result<Reply>| match reply {
        Ok(Ok(answer)) if answer.is_success() || answer.status == 404 => {}
        Ok(reply) => left_behind.push(format!("{what}: {}", told(&reply))),
        Err(error) => left_behind.push(format!("{what}: {error}")),
    };
    let uploads = attempts.uploads.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, id) in uploads.iter() {
        check(format!("multipart upload {id} of {key}"), store.drop_parts(key, id));
    }
    for case in Case::all() {
        let key = attempts.key(case);
        check(key.clone(), store.remove(&key));
    }
    if let Ok(Ok(answer)) = store.list(&attempts.prefix) {
        left_behind.extend(answer.texts("Key"));
    }
    if created {
        let bucket = &attempts.target.bucket;
        match store.remove_bucket() {
            Ok(Ok(answer)) if answer.is_success() => {}
            Ok(reply) => left_behind.push(format!("bucket {bucket}: {}", told(&reply))),
            Err(error) => left_behind.push(format!("bucket {bucket}: {error}")),
        }
    }
}
