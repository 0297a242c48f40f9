use super::*;

use proptest::prelude::*;

use crate::state::testing::part;

#[test]
fn a_prefix_is_of_these_parts_in_this_order() {
    let (one, two) = (part(1, b"one"), part(2, b"two!"));
    let prefix = Prefix::of([&one, &two]);
    assert_eq!((prefix.parts, prefix.last, prefix.bytes), (2, 2, 7));
    assert_eq!(prefix, Prefix::EMPTY.then(&one).then(&two));
    let mut collided = two;
    collided.digests.sha256 = one.digests.sha256;
    let mut other_number = two;
    other_number.number = 3;
    let mut no_sha256 = two;
    no_sha256.digests.sha256 = None;
    for other in [collided, other_number, no_sha256, one] {
        assert_ne!(Prefix::of([&one, &other]).print, prefix.print, "{other:?}");
    }
    assert_ne!(Prefix::of([&two, &one]).print, prefix.print);
}

proptest! {
    #[test]
    fn a_name_tells_the_prefix(
        last in 1..=PART_NUMBER_MAX,
        skipped in 0..PART_NUMBER_MAX,
        bytes: u64,
        print: [u8; TAG_LEN],
    ) {
        let prefix = Prefix { parts: last - skipped.min(last - 1), last, bytes, print };
        prop_assert_eq!(Prefix::parse(&prefix.name()), Some(prefix));
    }

    #[test]
    fn a_midstate_is_whole_or_nothing(
        midstate in prop::collection::vec(any::<u8>(), 0..MIDSTATE_BYTES_MAX),
        at: prop::sample::Index,
        bit in 0..8_u8,
    ) {
        let sealed = seal(&midstate);
        prop_assert_eq!(unseal(sealed.clone()).unwrap(), &midstate);
        let mut flipped = sealed.to_vec();
        let at = at.index(flipped.len());
        flipped[at] ^= 1 << bit;
        prop_assert_eq!(unseal(flipped.into()), None);
        if at > 0 {
            // A checksum of nothing is 0, and so is that of a file of zeros: but the length is not.
            let cut = sealed.slice(..at);
            prop_assert!(unseal(cut).is_none_or(|cut| cut.is_empty() && at == CHECKSUM_LEN));
        }
    }
}

#[test]
fn what_is_almost_a_name_is_none() {
    let good = Prefix::of([&part(1, b"x")]).name();
    assert!(Prefix::parse(&good).is_some());
    for name in [
        good.replacen("c1", "c2", 1),
        good.replacen("c1.00001", "c1.00000", 1),
        good.replacen("c1.00001", "c1.00002", 1),
        good.replacen(".00001.", ".10001.", 2),
        format!("{good}."),
        good[..good.len() - 1].to_owned(),
    ] {
        assert_eq!(Prefix::parse(&name), None, "{name}");
    }
}
