use super::*;

use proptest::option;
use proptest::prelude::*;

pub(in crate::state) fn spools(bytes: u64) -> impl Strategy<Value = SpoolRef> {
    (any::<u64>(), any::<u64>(), any::<u16>(), any::<u64>()).prop_map(
        move |(nonce, serial, chunks, checksum)| SpoolRef {
            id: SpoolId { nonce, serial },
            chunks,
            checksum,
            bytes,
        },
    )
}

fn records() -> impl Strategy<Value = PartRecord> {
    let digests = (
        option::of(any::<[u8; 16]>().prop_map(Md5)),
        option::of(any::<[u8; 20]>().prop_map(Sha1)),
        option::of(any::<[u8; 32]>().prop_map(Sha256)),
    );
    let digests = digests.prop_map(|(md5, sha1, sha256)| Digests { md5, sha1, sha256 });
    let format = option::of(prop::sample::select(Format::ALL.to_vec()));
    let size = prop_oneof![0..=3_u64, 0..=PART_BYTES_MAX, Just(PART_BYTES_MAX)];
    let flight = (any::<u64>(), 0..=TIME_MAX, 0..=TIME_MAX).prop_map(|(process, a, b)| Flight {
        process,
        began: a.min(b),
        answered: a.max(b),
    });
    let rest = (1..=PART_NUMBER_MAX, any::<[u8; 16]>(), digests, format, flight);
    (rest, size)
        .prop_flat_map(|(rest, size)| (Just(rest), Just(size), option::of(spools(size))))
        .prop_map(|((number, tag, digests, format, flight), size, spool)| PartRecord {
            number,
            tag: PartTag(tag),
            size,
            digests,
            format,
            spool,
            flight,
        })
}

proptest! {
    #[test]
    fn a_name_tells_the_record(record in records()) {
        let name = record.name().unwrap();
        prop_assert_eq!(PartRecord::parse(&name), Some(record));
        // Names of files have at most 255 bytes.
        prop_assert!(name.len() <= 250, "{}", name.len());
        prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
    }

    #[test]
    fn no_other_name_tells_it(record in records(), at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let mut name = record.name().unwrap().into_bytes();
        let at = at.index(name.len());
        name[at] = byte;
        let name = String::from_utf8(name).unwrap();
        if let Some(other) = PartRecord::parse(&name) {
            prop_assert_eq!(other.name().unwrap(), name);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(name in "(p3)?[.]?\\PC{0,80}") {
        let _ = PartRecord::parse(&name);
    }
}

fn record() -> PartRecord {
    let digests = Digests { md5: None, sha1: None, sha256: Some(Sha256([1; 32])) };
    let (tag, flight) = (PartTag([2; 16]), Flight { process: 9, began: 5, answered: 0x1234 });
    PartRecord { number: 1, tag, size: 3, digests, format: None, spool: None, flight }
}

#[test]
fn bounds_are_exact() {
    let name = |change: fn(&mut PartRecord)| {
        let mut record = record();
        change(&mut record);
        record.name()
    };
    assert!(name(|r| r.number = 0).is_err() && name(|r| r.number = 10_001).is_err());
    assert!(name(|r| r.number = 10_000).is_ok());
    assert!(
        name(|r| r.size = PART_BYTES_MAX).is_ok() && name(|r| r.size = PART_BYTES_MAX + 1).is_err()
    );
    let spool = |bytes| {
        let id = SpoolId { nonce: 1, serial: 2 };
        let spool = SpoolRef { id, chunks: 1, checksum: 4, bytes };
        PartRecord { spool: Some(spool), ..record() }.name()
    };
    assert!(spool(3).is_ok() && spool(4).is_err());
    let flight = |began, answered| {
        PartRecord { flight: Flight { process: 9, began, answered }, ..record() }.name()
    };
    assert!(flight(TIME_MAX, TIME_MAX).is_ok() && flight(0, TIME_MAX + 1).is_err());
    assert!(flight(7, 7).is_ok() && flight(8, 7).is_err());
}

#[test]
fn the_name_is_what_it_always_was() {
    let spool =
        SpoolRef { id: SpoolId { nonce: 10, serial: 11 }, chunks: 2, checksum: 12, bytes: 3 };
    let record = PartRecord { format: Some(Format::Jpeg), spool: Some(spool), ..record() };
    let name = "p3.00001.0000000003.AgICAgICAgICAgICAgICAg.\
                AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE...jpeg.\
                000000000000000a000000000000000b0002000000000000000c.\
                0000000000000009.0000000000005.0000000001234";
    assert_eq!(record.name().unwrap(), name);
}

#[test]
fn what_is_almost_a_name_is_none() {
    let good = record().name().unwrap();
    assert!(PartRecord::parse(&good).is_some());
    let others = [
        good.replacen("p3", "p2", 1),
        good.replacen("0000000000000009", "", 1),
        good.replacen("0000000000000009.", "", 1),
        good.replacen("0000000000000009", "000000000000009", 1),
        good.replacen("00001", "1", 1),
        good.replacen("00001", "00000", 1),
        good.replacen("00001", "10001", 1),
        good.replacen("0000000003", "000000000A", 1),
        good.replacen("0000000003", "+000000003", 1),
        good.replacen("AgIC", "", 1),
        format!("{good}."),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        good.replace("...", ".."),
        good.replacen("....", "...tarot.", 1),
        good.replace("0000000000005", "0000000001235"),
        good.replace("0000000001234", "000000000123g"),
        String::new(),
    ];
    for name in others {
        assert_eq!(PartRecord::parse(&name), None, "{name}");
    }
}

#[test]
fn records_agree_only_if_nothing_but_a_collision_could_tell_them_apart() {
    let with = |md5: Option<u8>, sha1: Option<u8>, sha256: Option<u8>| PartRecord {
        digests: Digests {
            md5: md5.map(|b| Md5([b; 16])),
            sha1: sha1.map(|b| Sha1([b; 20])),
            sha256: sha256.map(|b| Sha256([b; 32])),
        },
        ..record()
    };
    let cases = [
        (with(Some(1), None, Some(1)), with(Some(1), None, Some(1)), true),
        // The attack: one MD5, and so one ETag, for different bytes.
        (with(Some(1), None, Some(1)), with(Some(1), None, Some(2)), false),
        (with(Some(1), None, Some(1)), with(None, Some(3), Some(1)), true),
        (with(Some(1), None, Some(1)), with(Some(2), None, Some(1)), false),
        (with(Some(1), None, None), with(Some(1), None, None), true),
        (with(Some(1), None, None), with(Some(1), Some(1), None), false),
        (with(Some(1), None, None), with(Some(1), None, Some(1)), false),
        (with(Some(1), None, None), with(None, Some(1), None), false),
        (with(None, None, None), with(None, None, None), true),
    ];
    for (a, b, expected) in cases {
        assert_eq!((a.agrees(&b), b.agrees(&a)), (expected, expected), "{a:?} {b:?}");
    }
    assert!(!record().agrees(&PartRecord { size: 4, ..record() }));
    assert!(!record().agrees(&PartRecord { format: Some(Format::Png), ..record() }));
}
