//! However a form is cut, the decoder says the same, and what the naive twin says.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3bouncer::framing::naive_form::{NaivePart, naive_form_data};
use s3bouncer::framing::{Boundary, FormData, FormError, FormEvent, Part};
use s3bouncer_fuzz::cut;

#[derive(Arbitrary, Debug)]
struct Input {
    /// Its characters, taken from few, so that payloads look like delimiters.
    boundary: Vec<bool>,
    /// The lengths of the pushes; the rest comes in one.
    cuts: Vec<u8>,
    template: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let dashes = input.boundary.iter().take(8).map(|&dash| if dash { '-' } else { 'b' });
    let text: String = dashes.chain(['b']).collect();
    let content_type = format!("multipart/form-data; boundary={text}");
    let Ok(boundary) = Boundary::from_content_type(content_type.as_bytes()) else {
        panic!("{text} is a boundary");
    };
    let body = expand(&input.template, &text);

    let whole = decode(&boundary, [body.as_slice()]);
    assert_eq!(decode(&boundary, cut(&body, &input.cuts)), whole, "cut at will");
    assert_eq!(decode(&boundary, body.chunks(1)), whole, "byte by byte");
    assert_eq!(naive_form_data(&text, &body), whole.ok(), "the naive twin");
});

/// The words that no fuzzer guesses, each for one byte of the template.
fn expand(template: &[u8], boundary: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for &byte in template {
        match byte {
            1 => body.extend_from_slice(format!("--{boundary}").as_bytes()),
            2 => body.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes()),
            3 => body.extend_from_slice(b"Content-Disposition: form-data; name=\""),
            4 => body.extend_from_slice(b"file\"\r\n\r\n"),
            5 => body.extend_from_slice(b"\"; filename=\""),
            6 => body.extend_from_slice(b"Content-Type: "),
            7 => body.extend_from_slice(b"\r\n"),
            _ => body.push(byte),
        }
    }
    body
}

fn decode<'a>(
    boundary: &Boundary,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<NaivePart>, FormError> {
    let mut decoder = FormData::new(boundary);
    let mut parts: Vec<NaivePart> = Vec::new();
    let (mut pushed, mut covered) = (0, 0);
    for piece in pieces {
        pushed += piece.len();
        decoder.push(piece, &mut |event| match event {
            FormEvent::Framing(len) => covered += len,
            FormEvent::Begin(part) => {
                let Part { name, filename, content_type, .. } = part.clone();
                parts.push(NaivePart { name, filename, content_type, payload: Vec::new() });
            }
            FormEvent::Payload(payload) => {
                covered += payload.len();
                parts.last_mut().expect("a part").payload.extend_from_slice(payload);
            }
            FormEvent::End => {}
        })?;
        assert_eq!(covered + decoder.pending(), pushed, "the events tile the input");
    }
    decoder.finish()?;
    let _ = decoder.form().object_key();
    let _ = decoder.form().fan_out_keys();
    Ok(parts)
}
