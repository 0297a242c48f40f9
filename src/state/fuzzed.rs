//! The property of names that fuzzing asserts.

use super::chain::Prefix;
use super::record::PartRecord;
use super::view::{Found, Unresolved, UploadView};

/// Treats `data` as names of objects, one a line.
///
/// # Panics
/// A name tells something whose own name is another one, or a view answers otherwise than its names.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let names: Vec<&str> = text.lines().collect();
    for name in &names {
        if let Some(record) = PartRecord::parse(name) {
            assert_eq!(record.name().ok().as_deref(), Some(*name));
        }
        if let Some(prefix) = Prefix::parse(name) {
            assert_eq!(prefix.name(), **name);
        }
    }
    let view = UploadView::of(names.iter().copied());
    for record in view.records() {
        match view.find(record.number, record.tag) {
            Found::Nothing => panic!("a record is not found"),
            Found::Records(found) => assert!(found.contains(record)),
            Found::Conflict => {
                let same = |r: &&PartRecord| (r.number, r.tag) == (record.number, record.tag);
                assert!(view.records().iter().filter(same).count() > 1);
            }
        }
        if let Err(Unresolved::Superseded { number }) = view.resolve(&[(record.number, record.tag)])
        {
            let other = |r: &&PartRecord| r.number == number && r.tag != record.tag;
            assert!(view.records().iter().any(|r| other(&r) && !r.is_same_as(record)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::part;

    #[test]
    fn names_keep_the_property() {
        let names = [part(1, b"x"), part(1, b"y"), part(2, b"x")].map(|part| part.name().unwrap());
        let prefix = Prefix::of([&part(1, b"x")]).name();
        check(format!("{}\n{prefix}\njunk\n", names.join("\n")).as_bytes());
        check(b"\xff");
        check(b"");
    }
}
