use super::*;
use proptest::prelude::*;

/// Cuts `body` at the given fractions of its length.
fn cut<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|i| i.index(body.len() + 1)).collect();
    at.extend([0, body.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &body[pair[0]..pair[1]]).collect()
}

fn encode(boundary: &str, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (i, payload) in payloads.iter().enumerate() {
        let name = if i == 0 { "file".to_owned() } else { format!("field{i}") };
        body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", field(&name)).as_bytes());
        body.extend_from_slice(payload);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    body
}

proptest! {
    #[test]
    fn what_is_encoded_decodes(
        boundary in "[a-z'()+_,./:=?-]{8,70}",
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let body = encode(&boundary, &payloads);
        let decoded = decode(&boundary, &cut(&body, &cuts)).unwrap();
        let parts: Vec<_> = decoded.parts.into_iter().map(|part| part.payload).collect();
        prop_assert_eq!(parts, payloads);
    }

    #[test]
    fn payloads_like_delimiters_are_read_as_the_twin_reads_them(
        boundary in "[b-]{1,3}",
        payloads in prop::collection::vec("[\r\nb-]{0,12}", 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let payloads: Vec<_> = payloads.into_iter().map(String::into_bytes).collect();
        let body = encode(&boundary, &payloads);
        let whole = decode(&boundary, &[&body]).map(|d| d.parts);
        prop_assert_eq!(&decode(&boundary, &cut(&body, &cuts)).map(|d| d.parts), &whole);
        prop_assert_eq!(naive_form_data(&boundary, &body), whole.ok());
    }

    #[test]
    fn damaged_forms_are_read_as_the_twin_reads_them(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..4),
        damage in prop::collection::vec((
            any::<prop::sample::Index>(),
            prop::sample::select(&b"\r\n-B;:=\"\\ *nf\0\xc3"[..]),
            any::<bool>(),
        ), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut body = encode("B", &payloads);
        for (at, byte, insert) in &damage {
            let at = at.index(body.len());
            if *insert { body.insert(at, *byte) } else { body[at] = *byte }
        }
        let whole = decode("B", &[&body]).map(|d| d.parts);
        prop_assert_eq!(&decode("B", &cut(&body, &cuts)).map(|d| d.parts), &whole);
        prop_assert_eq!(naive_form_data("B", &body), whole.ok());
    }
}
