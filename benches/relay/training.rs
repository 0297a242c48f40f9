//! What a compiler that optimizes by profile is shown of the gate's work: `deploy/pgo` records it.
//!
//! A profile counts: the more of something there is, the more room the compiler gives it. What happens
//! once in a request gets its due only if the loops over bytes, of digests and of decoders, do not drown
//! it: so they are shown, but with little to do.

use std::fs;
use std::path::{Path, PathBuf};

use crate::certificate::Certificate;
use crate::load::{Load, Message, Sink};
use crate::target::Target;
use crate::{DIGESTS, LOADS};

/// Bodies that are digested.
const DIGESTED: [Load; 3] = [
    Load { body: 1 << 10, requests: 2000, connections: 32 },
    Load { body: 64 << 10, requests: 20, connections: 4 },
    Load { body: 1 << 20, requests: 2, connections: 1 },
];

/// Pictures, archives and compressed files to upload: folders of the project.
const FILES: [&str; 4] =
    ["tests/data/coded", "tests/data/images", "fuzz/corpus/archive", "fuzz/corpus/coding"];

/// Puts gates through it, one after another. Each writes its profile when it ends.
pub fn run(sink: &Sink) {
    let plain = Target::gate(sink, "gate", &[], "auto", None);
    send_all(&plain, &LOADS[..3]);
    let certificate = Certificate::made_up();
    for tls in [None, Some(&certificate)] {
        send_all(&Target::gate(sink, "gate", &DIGESTS, "auto", tls), &DIGESTED);
    }
    let looking = Target::gate(sink, "gate", &["sha256", "pdq"], "auto", None);
    for file in FILES.iter().flat_map(|folder| files(folder)) {
        let payload = fs::read(&file).expect("a file can be read");
        let once = Load { body: payload.len(), requests: 1, connections: 1 };
        once.send(&looking, &Message::put(looking.address, payload));
    }
}

/// Each plain, in chunks, and as a download.
fn send_all(gate: &Target, loads: &[Load]) {
    for load in loads {
        load.run(gate);
        load.send(gate, &Message::chunked(gate.address, &load.payload()));
        load.send(gate, &Message::get(gate.address));
    }
}

fn files(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("the project has this folder");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file())
}
