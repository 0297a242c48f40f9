//! A store that answers reads from the uploads that it keeps.

use std::sync::{Arc, OnceLock, Weak};

use rustls::ServerConfig;

use super::script::answer;
use super::{Script, Seen, Store};

/// What a store makes of an upload, whole or not: the object, if any.
pub type Keeps = fn(&Seen) -> Option<Vec<u8>>;

/// A store that answers reads from the uploads that it keeps. It refuses what the probe signs wrong.
pub struct Keeper(Arc<OnceLock<Store>>);

impl Keeper {
    /// A store that keeps of each upload what `keeps` makes of it.
    pub fn new(keeps: Keeps) -> Self {
        Self::with(keeps, None)
    }

    /// The same over TLS.
    pub fn over_tls(keeps: Keeps, config: ServerConfig) -> Self {
        Self::with(keeps, Some(config))
    }

    fn with(keeps: Keeps, tls: Option<ServerConfig>) -> Self {
        let keeper: Arc<OnceLock<Store>> = Arc::default();
        let itself = Arc::downgrade(&keeper);
        let playing = move |seen: &Seen| play(&itself, keeps, seen);
        let store = match tls {
            None => Store::scripted(playing),
            Some(config) => Store::over_tls(config, playing),
        };
        assert!(keeper.set(store).is_ok(), "it is new");
        Keeper(keeper)
    }

    /// The store, with all that it has seen.
    pub fn store(&self) -> &Store {
        self.0.get().expect("a store is there")
    }

    /// Where it is, as a URL.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.store().address())
    }

    /// The last upload of a case of the probe.
    #[track_caller]
    pub fn upload(&self, case: &str) -> Seen {
        let name = format!("-{}", case.replace('/', "-"));
        let is = |seen: &Seen| seen.method() == "PUT" && seen.target().ends_with(&name);
        let found = self.store().last(|seen| is(seen).then(|| seen.clone()));
        found.unwrap_or_else(|| panic!("no upload of {case}"))
    }
}

/// Whether the store refuses an upload: all of these come with a wrong signature, or over an object
/// that must not be there.
fn is_refused(seen: &Seen) -> bool {
    let wrong = ["-expect-refused", "-early-answer"];
    let over = seen.head.get("if-none-match").is_some();
    over || wrong.iter().any(|case| seen.target().ends_with(case))
}

fn play(itself: &Weak<OnceLock<Store>>, keeps: Keeps, seen: &Seen) -> Script {
    let (path, query) = seen.target().split_once('?').unwrap_or((seen.target(), ""));
    let is_there = |target: &str| {
        let taken = |s: &Seen| s.method() == "PUT" && !is_refused(s) && s.target() == target;
        let kept = |s: &Seen| taken(s).then(|| keeps(s));
        itself.upgrade()?.get()?.last(|seen| kept(seen).flatten())
    };
    let says = |status: &str, body: &[u8]| Script::replies(answer(status, &[], body));
    match seen.method() {
        "PUT" if seen.head.get("if-none-match").is_some() => {
            says("412 Precondition Failed", b"<Error><Code>PreconditionFailed</Code></Error>")
        }
        "PUT" if is_refused(seen) => Script::refuses(),
        "POST" => says("200 OK", b"<R><UploadId>up 1</UploadId></R>"),
        "GET" if query.starts_with("uploadId") => {
            match is_there(&format!("{path}?partNumber=1&{query}")) {
                Some(part) => says("200 OK", format!("<Size>{}</Size>", part.len()).as_bytes()),
                None => says("200 OK", b""),
            }
        }
        "GET" if query.is_empty() => match is_there(path) {
            Some(object) => says("200 OK", &object),
            None => says("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>"),
        },
        "DELETE" => says("204 No Content", b""),
        _ => Script::ok(),
    }
}
