mod ambiguous;
mod complete;
mod copies;
mod dialects;
mod facts;
mod framings;
mod hosts;
mod http;
mod keys;
mod operations;
mod unclear;

use super::*;
use ::http::{HeaderMap, HeaderName, HeaderValue};

/// Classifies `METHOD target` with a Host and these further headers, each `name: value`.
fn read(line: &str, headers: &[&str]) -> Result<Request, Refusal> {
    read_bare(line, &[&["host: store"], headers].concat())
}

fn read_bare(line: &str, headers: &[&str]) -> Result<Request, Refusal> {
    with_head(line, headers, classify)
}

/// Classifies as the surface does, with no Host but what the headers say.
fn read_on(surface: &Surface, line: &str, headers: &[&str]) -> Result<Request, Refusal> {
    with_head(line, headers, |head| surface.classify(head))
}

/// The reading of a request that must be refused, where the gate only watches.
fn read_unclear(line: &str, headers: &[&str]) -> Option<Request> {
    with_head(line, &[&["host: store"], headers].concat(), |head| {
        unclear(head, classify(head).expect_err(line))
    })
}

fn with_head<R>(line: &str, headers: &[&str], f: impl FnOnce(&Head) -> R) -> R {
    let (method, target) = line.split_once(' ').unwrap();
    let mut map = HeaderMap::new();
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    f(&Head { method, path, query, headers: &map, origin_form: true })
}

#[track_caller]
fn good(line: &str, headers: &[&str]) -> Request {
    read(line, headers).unwrap_or_else(|r| panic!("{line} {headers:?}: {r:?}"))
}

#[track_caller]
fn refused(line: &str, headers: &[&str], refusal: Refusal) {
    assert_eq!(read(line, headers), Err(refusal), "{line} {headers:?}");
}

#[track_caller]
fn operation(line: &str, headers: &[&str], operation: Operation) {
    assert_eq!(good(line, headers).operation, operation, "{line} {headers:?}");
}
