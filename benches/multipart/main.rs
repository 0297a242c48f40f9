//! What multipart uploads cost.
//!
//! `cargo bench --bench multipart [-- state | upload | crowd]`: the state by itself, the CPU time of a
//! gate while parts pass, a thousand parts at once. Without a word it does the first two; the last one
//! sends 8 GB.

mod crowd;
#[allow(dead_code)] // The burst of `benches/decode.rs` needs more of it.
mod gate;
mod state;
mod upload;

/// Rounds of a measurement whose turns take turns.
const ROUNDS: usize = 7;

fn main() {
    // `cargo test` runs this too, only to see that it works: no figures then.
    let measured = std::env::args().any(|arg| arg == "--bench");
    let rounds = if measured { ROUNDS } else { 1 };
    let words = ["state", "upload", "crowd"];
    let asked = words.map(|word| std::env::args().any(|arg| arg == word));
    let [state, upload, crowd] = match asked.contains(&true) {
        true => asked,
        false => [true, true, !measured],
    };
    if state {
        state::run(measured, rounds);
    }
    if upload {
        upload::run(measured, rounds);
    }
    if crowd {
        crowd::run(measured);
    }
}

/// A body of so many bytes, which is no picture.
fn gate_body(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at * 31) >> 3) as u8).collect()
}
