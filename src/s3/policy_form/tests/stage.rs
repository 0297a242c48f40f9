//! What goes out, and when.

use super::*;

/// The form's text with the gate's signer instead of the client's: those fields in the policy's
/// place, all else byte for byte.
#[test]
fn all_but_the_signer_stays_as_it_was_sent() {
    let before =
        "\r\n--B\r\ncontent-disposition:form-data;name=key\r\nX-Odd: yes\r\n\r\nuser/a\r\n";
    let fields = signed(&[], &policy(r#", {"x-amz-meta-a": "b\u00e9"}"#));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let form = String::from_utf8(form(&fields)).unwrap();
    let note = "--B\r\nContent-Disposition: form-data; name=\"x-amz-meta-a\"\r\n\r\nb\u{e9}\r\n";
    let file = form.find("--B\r\nContent-Disposition: form-data; name=\"file\"").unwrap();
    let (signer, file) = form.split_at(file);
    let late = "--B\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nUpload\r\n--B--";
    let file = file.replace("--B--", late);
    let form = [before, signer, note, &file].concat();

    let Outcome { out, grown, end, .. } = every_way(&terms(), &client(), form.as_bytes());
    assert_eq!((end, grown), (Ok(()), Some(out.len() as i64 - form.len() as i64)));
    let out = String::from_utf8(out).unwrap();
    let ours = out.strip_prefix(before).and_then(|out| out.strip_suffix(&[note, &file].concat()));
    let names = ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "policy", "x-amz-signature"];
    let parts: Vec<&str> = ours.unwrap().split("\r\n--B\r\n").collect();
    assert_eq!(parts.len(), names.len());
    for (part, name) in parts.iter().zip(names) {
        let part = part.strip_prefix("--B\r\n").unwrap_or(part);
        let start = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        assert!(part.starts_with(&start), "{part}");
    }
    assert!(parts[1].ends_with("\r\n\r\nGATE/20260315/garage/s3/aws4_request"));
    assert!(parts[2].ends_with("\r\n\r\n20260315T000000Z"));
    let policy = STANDARD.decode(parts[3].split("\r\n\r\n").last().unwrap()).unwrap();
    assert_eq!(
        String::from_utf8(policy).unwrap(),
        "{\"expiration\": \"2026-03-14T16:00:00Z\", \"conditions\": [[\"eq\", \"$bucket\", \"photos\"], \
         [\"starts-with\", \"$key\", \"user/\"], [\"eq\", \"$x-amz-meta-a\", \"b\u{e9}\"], \
         [\"eq\", \"$x-amz-algorithm\", \"AWS4-HMAC-SHA256\"], \
         [\"eq\", \"$x-amz-credential\", \"GATE/20260315/garage/s3/aws4_request\"], \
         [\"eq\", \"$x-amz-date\", \"20260315T000000Z\"]]}"
    );
}

#[test]
fn a_token_of_the_gate_takes_the_place_of_the_clients() {
    let condition = r#", {"x-amz-security-token": "theirs"}"#;
    let fields = [("key", "user/a"), ("x-amz-security-token", "theirs")];
    let form = signed_form(&fields, &policy(condition));
    let client = credentials(ACCESS_KEY, SECRET, Some("theirs"));
    for token in [None, Some("ours")] {
        let identity = credentials("GATE", "the gate's own secret", token);
        let out = run(&terms(), &client, &identity, &[&form]).out;
        let text = String::from_utf8_lossy(&out);
        assert!(!text.contains("theirs"));
        assert_eq!(text.contains("x-amz-security-token"), token.is_some());
        assert_eq!(text.contains("\r\n\r\nours\r\n"), token.is_some());
        let store = FormTerms { region: Some("garage".to_owned()), ..terms() };
        assert_eq!(run(&store, &identity, &identity, &[&out]).end, Ok(()));
    }
}

#[test]
fn what_is_before_the_file_has_a_bound() {
    let fields = |len: usize| {
        let value = "v".repeat(len);
        let condition = r#", ["starts-with", "$x-amz-meta-a", ""]"#;
        signed_form(&[("key", "user/a"), ("x-amz-meta-a", &value)], &policy(condition))
    };
    let rest = b"the file\r\n--\r\n--B--\r\n".len();
    let room = PREAMBLE_MAX - (fields(0).len() - rest);
    for (len, end) in [(room, Ok(())), (room + 1, Err(PolicyError::PreambleTooLarge))] {
        let form = fields(len);
        for piece in [form.len(), 1000, 1] {
            let pieces: Vec<&[u8]> = form.chunks(piece).collect();
            assert_eq!(run(&terms(), &client(), &identity(), &pieces).end, end, "{piece}");
        }
    }
}

#[test]
fn what_is_no_form_is_refused_before_its_file_and_passes_behind_it() {
    let form = signed_form(&[("key", "user/a")], &policy(""));
    let text = String::from_utf8(form.clone()).unwrap();
    let file_start = text.find("the file").unwrap();
    for len in 0..file_start {
        let end = run(&terms(), &client(), &identity(), &[&form[..len]]).end;
        assert_eq!(end, Err(FormError::TooShort.into()), "{len} bytes");
    }
    // The inspector reads the whole of it, and is not asked here.
    let out = run(&terms(), &client(), &identity(), &[&form[..file_start + 3], b"\r\n--Bx"]);
    assert!(out.end.is_ok() && out.out.ends_with(b"\r\n\r\nthe\r\n--Bx"));

    for (from, to, error) in [
        ("--B\r\n", "-B\r\n", FormError::Preamble),
        ("--B\r\n", "--B \r\n", FormError::Delimiter),
        ("name=\"policy\"", "name=\"policy", FormError::Disposition),
        ("name=\"policy\"", "name=\"key\"", FormError::FieldTwice),
        ("name=\"file\"", "name=\"data\"", FormError::FileMissing),
    ] {
        let changed = text.replacen(from, to, 1);
        let end = every_way(&terms(), &client(), changed.as_bytes()).end;
        assert_eq!(end, Err(error.into()), "{from:?} -> {to:?}");
    }
}

/// A boundary that a client has chosen to stand in what the gate writes.
#[test]
fn a_boundary_in_the_gates_own_fields_is_refused() {
    let form = signed_form(&[("key", "user/a")], &policy(""));
    let identity = credentials("GATE--B", "the gate's own secret", None);
    let end = run(&terms(), &client(), &identity, &[&form]).end;
    assert_eq!(end, Err(FormError::BoundaryInside.into()));
}

/// What stands behind the file is not taken for what stands before it, though it may come in one
/// push with it.
#[test]
fn fields_behind_the_file_count_for_nothing() {
    let late = "--B\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nuser/a\r\n--B--";
    let form = String::from_utf8(signed_form(&[], &policy(""))).unwrap().replace("--B--", late);
    let end = every_way(&terms(), &client(), form.as_bytes()).end;
    assert_eq!(end, Err(PolicyError::FieldMissing("key")));

    let late = late.replace("\"key\"", "\"acl\"");
    let form = String::from_utf8(signed_form(&[("key", "user/a")], &policy(""))).unwrap();
    let form = form.replace("--B--", &late);
    let Outcome { out, end, .. } = every_way(&terms(), &client(), form.as_bytes());
    assert_eq!(end, Ok(()));
    assert!(out.ends_with(late.replace("--B--", "--B--\r\n").as_bytes()));
}
