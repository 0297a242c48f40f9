//! A look at any bytes ends within limits. Decoders are other people's, and may panic: that is a
//! fault. Code of ours may not.
#![no_main]

use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use s3bouncer::image::{
    Convention, ImageFault, Limits, PerceptualAlgorithm, PerceptualKind, Variant, Wanted, look,
};

const LIMITS: Limits = Limits { pixels: 1 << 16, frames: 8, scans: 8, memory: 16 << 20 };

static HOOK: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    HOOK.call_once(|| {
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let foreign = |file: &str| file.contains("/registry/") || file.starts_with("/rustc/");
            if !info.location().is_some_and(|place| foreign(place.file())) {
                abort(info);
            }
        }));
    });
    // The last two bytes choose, so that any image is a seed.
    let [.., colour, all] = *bytes else { return };
    let kind = PerceptualKind::new(PerceptualAlgorithm::Mean, 8, false);
    let every = [&Variant::TRIMS[..], &Variant::PADS, &Variant::CROPS, &Variant::TURNS].concat();
    let wanted = Wanted {
        colour: colour & 1 == 0,
        conventions: Convention::ALL.to_vec(),
        variants: if all & 1 == 0 { Vec::new() } else { every },
        frames: 3,
        kinds: if all & 2 == 0 { Vec::new() } else { kind.into_iter().collect() },
    };
    let found = look(bytes, &LIMITS, &wanted, &|| false);
    assert_eq!(
        look(bytes, &LIMITS, &wanted, &|| true),
        Err(found.as_ref().map_or_else(
            // What headers say comes before the time is asked for.
            |fault| if s3bouncer::image::header(bytes, &LIMITS).is_err() {
                *fault
            } else {
                ImageFault::Time
            },
            |_| ImageFault::Time,
        ))
    );
    let Ok(found) = found else { return };
    assert!(found.pdq.len() <= 9 * 14 && found.header.pixels() <= LIMITS.pixels);
});
