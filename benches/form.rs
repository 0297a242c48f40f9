//! What reading a form costs.
//!
//! `cargo bench --bench form` measures the decoder on one upload, pushed whole and in reads as they
//! come from a socket, beside what bounds it from both sides: a copy of the bytes, and the search for
//! the boundary window by window.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use s3bouncer::framing::{Boundary, FormData, FormEvent};

/// Bytes of the file in the form.
const FILE_LEN: usize = 8 << 20;
/// Bytes of one read from a socket.
const READ_LEN: usize = 64 << 10;

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    rows(&mut criterion, "form random", &form(random()));
    // Nothing but delimiters that lack their last byte: the worst that a payload can be.
    let miss = format!("\r\n--{}", &BOUNDARY[..BOUNDARY.len() - 1]);
    let misses = miss.repeat(FILE_LEN / miss.len()).into_bytes();
    rows(&mut criterion, "form near misses", &form(misses));
    criterion.final_summary();
}

fn rows(criterion: &mut Criterion, name: &str, body: &[u8]) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.sample_size(20);
    group.bench_function("decoder, one push", |b| b.iter(|| decode(black_box(body), body.len())));
    group.bench_function("decoder, reads", |b| b.iter(|| decode(black_box(body), READ_LEN)));
    group.bench_function("copy", |b| b.iter(|| black_box(body).to_vec()));
    group.bench_function("windows", |b| b.iter(|| windows(black_box(body))));
    group.finish();
}

/// The payload bytes that the decoder finds.
fn decode(body: &[u8], read_len: usize) -> usize {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let boundary = Boundary::from_content_type(content_type.as_bytes()).expect("a boundary");
    let mut decoder = FormData::new(&boundary);
    let mut payload = 0;
    for read in body.chunks(read_len) {
        let count = &mut |event: FormEvent<'_>| {
            if let FormEvent::Payload(bytes) = event {
                payload += bytes.len();
            }
        };
        decoder.push(read, count).expect("a well-formed form");
    }
    decoder.finish().expect("a whole form");
    payload
}

/// How often the boundary stands in the body.
fn windows(body: &[u8]) -> usize {
    body.windows(BOUNDARY.len()).filter(|window| *window == BOUNDARY.as_bytes()).count()
}

fn form(file: Vec<u8>) -> Vec<u8> {
    let part = |name: &str, value: &[u8]| {
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), value, b"\r\n"].concat()
    };
    let end = format!("--{BOUNDARY}--\r\n");
    [part("key", b"photo.jpg"), part("file", &file), end.into_bytes()].concat()
}

/// Bytes without a pattern, from a fixed seed (xorshift).
fn random() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..FILE_LEN).map(|_| next()).collect()
}
