mod bounds;
mod delimiters;
mod fields;
mod heads;
mod random;

use super::naive::{NaivePart, naive_form_data};
use super::*;

/// What a form decodes to.
#[derive(Clone, Debug)]
struct Decoded {
    parts: Vec<NaivePart>,
    form: Form,
}

/// Feeds `pieces` one after another and gives what they decode to; checks that the events tile and
/// that nothing is reported too early.
fn decode(boundary: &str, pieces: &[&[u8]]) -> Result<Decoded, FormError> {
    let boundary = boundary_of(boundary);
    let mut decoder = FormData::new(&boundary);
    let mut parts: Vec<NaivePart> = Vec::new();
    let (mut wire, mut covered, mut payload_at) = (Vec::new(), 0, None);
    for &piece in pieces {
        wire.extend_from_slice(piece);
        let pushed = decoder.push(piece, &mut |event| match event {
            FormEvent::Framing(len) => {
                assert!(len > 0);
                covered += len;
            }
            FormEvent::Begin(part) => {
                assert_eq!(payload_at.replace(covered), None);
                let Part { name, filename, content_type, .. } = part.clone();
                parts.push(NaivePart { name, filename, content_type, payload: Vec::new() });
            }
            FormEvent::Payload(payload) => {
                assert!(payload_at.is_some() && !payload.is_empty());
                assert_eq!(wire[covered..][..payload.len()], *payload, "the bytes of the wire");
                covered += payload.len();
                parts.last_mut().unwrap().payload.extend_from_slice(payload);
            }
            FormEvent::End => assert!(payload_at.take().is_some()),
        });
        if let Err(error) = pushed {
            let again = decoder.push(b"0", &mut |_| panic!("an event after an error"));
            assert_eq!((again, decoder.finish()), (Err(error), Err(error)));
            return Err(error);
        }
        assert_eq!(covered + decoder.pending(), wire.len(), "the events tile the input");
        let payload = payload_at.map_or(&[][..], |at| &wire[at..]);
        assert_eq!(decoder.pending(), started(boundary.as_str(), payload), "nothing too early");
    }
    decoder.finish()?;
    assert!(decoder.is_done() && payload_at.is_none() && decoder.pending() == 0);
    Ok(Decoded { parts, form: decoder.form().clone() })
}

/// How much of the end of a payload may be the start of a delimiter, found by trying all.
fn started(boundary: &str, payload: &[u8]) -> usize {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let begins = |end: &[u8]| delimiter.starts_with(end) || delimiter[2..].starts_with(end);
    let most = payload.len().min(delimiter.len() - 1);
    (0..=most).rev().find(|len| begins(&payload[payload.len() - len..])).unwrap_or(0)
}

fn boundary_of(text: &str) -> Boundary {
    let value = format!("multipart/form-data; boundary=\"{text}\"");
    Boundary::from_content_type(value.as_bytes()).unwrap()
}

/// Decodes a form whose boundary is `B`, in every way it can be cut in two, byte by byte, and by the
/// naive twin.
#[track_caller]
fn every_way(body: &[u8]) -> Result<Decoded, FormError> {
    let parts = |decoded: Result<Decoded, FormError>| decoded.map(|d| d.parts);
    let whole = decode("B", &[body]);
    for at in 0..=body.len() {
        let (a, b) = body.split_at(at);
        assert_eq!(parts(decode("B", &[a, b])), parts(whole.clone()), "cut at {at}");
    }
    let bytes = decode("B", &body.chunks(1).collect::<Vec<_>>());
    assert_eq!(parts(bytes), parts(whole.clone()), "byte by byte");
    assert_eq!(naive_form_data("B", body), parts(whole.clone()).ok(), "the naive twin");
    whole
}

#[track_caller]
fn good(body: &str) -> Decoded {
    every_way(body.as_bytes()).unwrap_or_else(|e| panic!("{body:?}: {e:?}"))
}

#[track_caller]
fn bad(body: &str, error: FormError) {
    assert_eq!(every_way(body.as_bytes()).map(|d| d.parts), Err(error), "{body:?}");
}

/// A form with one part, the file, whose payload is this.
fn file(payload: &str) -> String {
    format!("--B\r\n{FILE}\r\n\r\n{payload}\r\n--B--\r\n")
}

/// A form with these parts, each its header lines and its payload, and a file at the end.
fn form(parts: &[(&str, &str)]) -> String {
    let part = |(head, payload): &(&str, &str)| format!("--B\r\n{head}\r\n\r\n{payload}\r\n");
    parts.iter().map(part).collect::<String>() + &file("F")
}

const FILE: &str = "Content-Disposition: form-data; name=\"file\"";

fn field(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"")
}

#[test]
fn labels_are_distinct() {
    let labels: std::collections::BTreeSet<_> = FormError::ALL.iter().map(|e| e.label()).collect();
    assert_eq!(labels.len(), FormError::ALL.len());
}
