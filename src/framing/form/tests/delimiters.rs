use super::*;

#[track_caller]
fn payload(text: &str) {
    let decoded = good(&file(text));
    assert_eq!(decoded.parts[0].payload, text.as_bytes());
}

#[test]
fn payloads_end_before_the_delimiters_line_end() {
    payload("");
    payload("x");
    payload("\r\n");
    payload("\r\n\r\n");
    payload("\r");
    payload("\n");
    payload("x\r\n-");
    payload("x\r\n-\r\n-");
    payload("x\r\n--");
    payload("x\r\n--\r\n--A");
    payload("x\r\r\n\n--b");
    payload("------A-B-");
    payload("\r\n\r\n--\r\n");
}

#[test]
fn every_part_is_seen_wherever_it_stands() {
    let behind = "--B\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nGo\r\n--B--\r\n";
    let body = form(&[(&field("key"), "k"), (&field("other"), "not\r\nthe file")])
        .replace("--B--\r\n", behind);
    let decoded = good(&body);
    let seen: Vec<_> = decoded.parts.iter().map(|p| (p.name.as_str(), &p.payload[..])).collect();
    let wanted: [(&str, &[u8]); 4] =
        [("key", b"k"), ("other", b"not\r\nthe file"), ("file", b"F"), ("submit", b"Go")];
    assert_eq!(seen, wanted);
}

#[test]
fn a_form_begins_with_its_boundary() {
    good(&format!("\r\n{}", file("x")));
    for before in ["x", "\n", "\r\n\r\n", " ", "-", "preamble\r\n", "\r", "\r\n-"] {
        bad(&format!("{before}{}", file("x")), FormError::Preamble);
    }
    bad("--A\r\n", FormError::Preamble);
    bad("-", FormError::TooShort);
    bad("", FormError::TooShort);
}

#[test]
fn boundary_lines_are_bare() {
    for after in [" \r\n", "\t\r\n", "\n", "\r\r\n", "x\r\n", "-\r\n", "-x", "\rx"] {
        bad(&file("x").replacen("--B\r\n", &format!("--B{after}"), 1), FormError::Delimiter);
        bad(&file("x").replace("--B--", &format!("--B{after}")), FormError::Delimiter);
        bad(&file(&format!("x\r\n--B{after}")), FormError::Delimiter);
    }
}

#[test]
fn the_boundary_stands_nowhere_else() {
    for inside in ["--B", "x--B", "x\n--B", "x\r--B", "---B", "\r\n---B", "x--B--\r\n", "--B\r\n"] {
        bad(&file(inside), FormError::BoundaryInside);
    }
    let head = format!("{FILE}; filename=\"x--B\"");
    bad(&form(&[(&head, "x")]), FormError::BoundaryInside);
    bad(&form(&[(&format!("{FILE}\r\nX: --B"), "x")]), FormError::BoundaryInside);
    // The empty line's CRLF is not the delimiter's.
    bad(&format!("--B\r\n{FILE}\r\n\r\n--B--\r\n"), FormError::BoundaryInside);
}

#[test]
fn nothing_follows_the_last_boundary() {
    let whole = file("x");
    good(whole.strip_suffix("\r\n").unwrap());
    for after in ["\r\n", "x", "\r\nepilogue", "--B--\r\n", "\n"] {
        bad(&format!("{whole}{after}"), FormError::AfterEnd);
    }
    for after in [" ", "-", "x", "\n", " \r\n", "\rx"] {
        let bare = whole.strip_suffix("\r\n").unwrap();
        bad(&format!("{bare}{after}"), FormError::AfterEnd);
    }
}

#[test]
fn every_truncation_is_short() {
    let whole = form(&[(&field("key"), "k\r\n--")]);
    for at in 0..whole.len() {
        let cut = decode("B", &[&whole.as_bytes()[..at]]);
        match at == whole.len() - 2 {
            true => assert_eq!(cut.unwrap().parts.len(), 2),
            false => assert_eq!(cut.map(|d| d.parts), Err(FormError::TooShort), "cut at {at}"),
        }
    }
}

#[test]
fn what_may_be_a_delimiter_is_pending() {
    let mut decoder = FormData::new(&boundary_of("B"));
    let head = format!("--B\r\n{FILE}\r\n\r\n");
    decoder.push(head.as_bytes(), &mut |_| {}).unwrap();
    for (next, pending) in [
        ("x", 0),
        ("\r", 1),
        ("x", 0),
        ("\r", 1),
        ("\n", 2),
        ("--", 4),
        ("x", 0),
        ("x\r\n", 2),
        ("\r\n", 2),
        ("-", 3),
        ("-", 4),
        ("-", 2),
    ] {
        decoder.push(next.as_bytes(), &mut |_| {}).unwrap();
        assert_eq!(decoder.pending(), pending, "{next:?}");
    }
}

#[test]
fn boundaries_of_dashes_are_found() {
    for boundary in ["-", "--", "----", "-a-", &"-".repeat(MAX_BOUNDARY)] {
        let body = file("-x-\r\n-x").replace("--B", &format!("--{boundary}"));
        let whole = decode(boundary, &[body.as_bytes()]).unwrap();
        assert_eq!(whole.parts[0].payload, b"-x-\r\n-x");
        for at in 0..=body.len() {
            let (a, b) = body.as_bytes().split_at(at);
            assert_eq!(decode(boundary, &[a, b]).unwrap().parts, whole.parts, "cut at {at}");
        }
        assert_eq!(naive_form_data(boundary, body.as_bytes()), Some(whole.parts));
    }
}

#[track_caller]
fn boundary(value: &str, boundary: Result<&str, FormError>) {
    let read = Boundary::from_content_type(value.as_bytes());
    assert_eq!(read.as_ref().map(Boundary::as_str), boundary.as_ref().map(|b| *b), "{value}");
}

#[test]
fn boundaries_are_read_from_the_content_type() {
    for (parameters, read) in [
        ("boundary=x", "x"),
        ("boundary=\"x\"", "x"),
        ("charset=utf-8; boundary=----WebKitFormBoundaryABC", "----WebKitFormBoundaryABC"),
        ("boundary=x;charset=\"utf-8\"", "x"),
        ("boundary=x;", "x"),
        (" boundary=x \t", "x"),
        ("boundary=\"=_'()+,-./:=?\"", "=_'()+,-./:=?"),
    ] {
        for word in ["multipart/form-data;", "Multipart/Form-Data ;"] {
            boundary(&format!("{word}{parameters}"), Ok(read));
        }
    }
    for parameters in [
        "",
        "charset=utf-8",
        "Boundary=x",
        "boundary=x; Boundary*=utf-8''y",
        "boundary*=utf-8''x",
        "boundary*0=x; boundary*1=y",
        "boundary=\"\"",
        "boundary=\"a b\"",
        "boundary=\"a\\b\"",
        "boundary=\"a;b\"",
        "boundary=a#b",
        "boundary=\"é\"",
    ] {
        boundary(&format!("multipart/form-data; {parameters}"), Err(FormError::Boundary));
    }
    for value in [
        "",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary = x",
        "multipart/form-data; boundary=x y",
        "multipart/form-data; boundary=a=b",
        "multipart/form-data; boundary=\"x",
        "multipart/form-data; boundary=\"x\\\"",
        "multipart/form-data; boundary=x; boundary=x",
        "multipart/form-data; boundary=x; BOUNDARY=y",
        "multipart/form-data; a=\";boundary=y\"; boundary=x",
        "multipart/form-data;; boundary=x",
        "multipart/form-data, a/b; boundary=x",
        "a, multipart/form-data; boundary=x",
        "multipart/mixed; boundary=x",
        "multipart/form-data boundary=x",
    ] {
        boundary(value, Err(FormError::ContentType));
    }
}

#[test]
fn boundaries_are_bounded() {
    let value = |len: usize| format!("multipart/form-data; boundary={}", "b".repeat(len));
    boundary(&value(MAX_BOUNDARY), Ok(&"b".repeat(MAX_BOUNDARY)));
    boundary(&value(MAX_BOUNDARY + 1), Err(FormError::Boundary));
}
