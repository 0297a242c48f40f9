//! Bounds: at each, and one past it.

use super::*;

/// Too large to be cut everywhere.
#[track_caller]
fn whole(body: &str) -> Result<Vec<NaivePart>, FormError> {
    let whole = decode("B", &[body.as_bytes()]).map(|d| d.parts);
    let pieces: Vec<_> = body.as_bytes().chunks(1000).collect();
    assert_eq!(decode("B", &pieces).map(|d| d.parts), whole);
    assert_eq!(naive_form_data("B", body.as_bytes()), whole.clone().ok());
    whole
}

#[test]
fn heads_are_bounded() {
    let body = |len: usize| {
        let line = format!("{FILE}\r\nX: ");
        let rest = len - line.len() - "\r\n\r\n".len();
        file("x").replace(FILE, &(line + &"y".repeat(rest)))
    };
    assert_eq!(whole(&body(MAX_PART_HEAD)).unwrap().len(), 1);
    assert_eq!(whole(&body(MAX_PART_HEAD + 1)), Err(FormError::HeadTooLarge));
}

#[test]
fn parts_are_bounded() {
    let body = |count: usize| form(&vec![(field("x-ignore-a").as_str(), ""); count - 1]);
    assert_eq!(whole(&body(MAX_PARTS)).unwrap().len(), MAX_PARTS);
    assert_eq!(whole(&body(MAX_PARTS + 1)), Err(FormError::TooManyParts));
}

#[test]
fn each_field_is_bounded() {
    let body = |len: usize| form(&[(&field("a"), &"x".repeat(len))]);
    assert_eq!(whole(&body(MAX_FIELD)).unwrap().len(), 2);
    assert_eq!(whole(&body(MAX_FIELD + 1)), Err(FormError::FieldTooLarge));
    assert_eq!(whole(&file(&"x".repeat(MAX_FIELDS + 1))).unwrap().len(), 1);
}

#[test]
fn all_fields_together_are_bounded() {
    let body = |rest: usize| {
        let names = "abc".len() + "file".len();
        let values = [MAX_FIELD, MAX_FIELD - 1000, 1000 - names + rest].map(|len| "x".repeat(len));
        let heads = ["a", "b", "c"].map(field);
        let parts: Vec<_> =
            heads.iter().zip(&values).map(|(h, v)| (h.as_str(), v.as_str())).collect();
        form(&parts)
    };
    assert_eq!(whole(&body(0)).unwrap().len(), 4);
    assert_eq!(whole(&body(1)), Err(FormError::FieldTooLarge));
}
