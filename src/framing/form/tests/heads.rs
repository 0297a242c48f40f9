use super::*;

/// The header of the part before the file.
#[track_caller]
fn head(lines: &str) -> NaivePart {
    good(&form(&[(lines, "x")])).parts.remove(0)
}

#[track_caller]
fn bad_head(lines: &str, error: FormError) {
    bad(&form(&[(lines, "x")]), error);
}

fn disposition(parameters: &str) -> String {
    format!("Content-Disposition: form-data{parameters}")
}

#[test]
fn heads_of_real_clients_are_read() {
    for (parameters, name, filename) in [
        ("; name=\"key\"", "key", None),
        ("; name=\"a\"; filename=\"b c.jpg\"", "a", Some("b c.jpg")),
        // .NET
        ("; name=key", "key", None),
        ("; name=a; filename=b.jpg; filename*=utf-8''b.jpg", "a", Some("b.jpg")),
        // Old browsers send the path, all send other characters raw.
        ("; name=\"a\"; filename=\"C:\\dir\\b.jpg\"", "a", Some("C:\\dir\\b.jpg")),
        ("; name=\"é\"; filename=\"ü%22.jpg\"", "é", Some("ü%22.jpg")),
        ("; filename=\"\"; name=\"a\"", "a", Some("")),
        (";name=\"a;b\";size=3;", "a;b", None),
        (" \t; \tname=\"a\" \t", "a", None),
    ] {
        let part = head(&disposition(parameters));
        assert_eq!((part.name.as_str(), part.filename.as_deref()), (name, filename));
    }
    let full = "content-type:image/jpeg \r\nCONTENT-DISPOSITION:Form-Data; name=\"a\"\r\n\
                Content-Transfer-Encoding: Binary\r\nContent-Length: 9\r\nX-Other:\t";
    let part = head(full);
    assert_eq!((part.name.as_str(), part.content_type.as_deref()), ("a", Some("image/jpeg")));
}

#[test]
fn bytes_that_are_no_text_are_replaced_in_file_names_only() {
    let latin = |parameters: &[u8]| {
        let line = [b"Content-Disposition: form-data", parameters].concat();
        let body = [b"--B\r\n", line.as_slice(), b"\r\n\r\nx\r\n", file("x").as_bytes()].concat();
        every_way(&body).map(|decoded| decoded.parts[0].filename.clone())
    };
    assert_eq!(latin(b"; name=a; filename=\"\xfc\""), Ok(Some("\u{fffd}".into())));
    assert_eq!(latin(b"; name=\"\xfc\""), Err(FormError::Disposition));
}

#[test]
fn every_part_has_one_disposition_and_a_name() {
    bad_head("X: y", FormError::Disposition);
    for parameters in [
        "",
        ";",
        "; filename=\"a\"",
        "; name",
        "; name=",
        "; name=\"\"",
        "; name=\"a",
        "; name=a\"b\"",
        "; name=\"a\"b",
        "; name =\"a\"",
        "; name= \"a\"",
        "; name=\"a\" filename=\"b\"",
        "; name=\"a\", filename=\"b\"",
        "; name=a b",
        "; name=\"a\"; name=\"b\"",
        "; name=\"a\"; NAME=\"b\"",
        "; Name=\"a\"",
        "; name=\"a\"; Filename=\"b\"",
        "; name=\"a\\b\"",
        "; name=\"a\\\"b\"",
        "; name=\"a\"; filename=\"b\\\"\"",
        "; filename=\"b; name=file\"; name=\"a\"",
        "; =a; name=\"a\"",
        ";; name=\"a\"",
        " name=\"a\"",
        "x; name=\"a\"",
    ] {
        bad_head(&disposition(parameters), FormError::Disposition);
    }
    bad_head("Content-Disposition: attachment; name=\"a\"", FormError::Disposition);
    bad_head("Content-Disposition: \"form-data\"; name=\"a\"", FormError::Disposition);
}

#[test]
fn extended_names_are_refused() {
    for parameters in [
        "; name*=utf-8''file",
        "; name=a; name*=utf-8''file",
        "; name*0=fi; name*1=le",
        "; name=a; filename*0=b",
        "; name=a; filename*0*=b",
        "; name=a; x*=b",
    ] {
        bad_head(&disposition(parameters), FormError::Extended);
    }
}

#[test]
fn header_lines_are_strict() {
    let line = |line: &str, error| bad_head(&format!("{}\r\n{line}", field("a")), error);
    for text in [" folded", "\tfolded", "no colon", ": y", "X : y", "X\u{7f}: y", "X: \0", "é: y"]
    {
        line(text, FormError::Header);
    }
    line("Content-Disposition: form-data; name=\"a\"", FormError::Header);
    line("Content-Type: a/b\r\ncontent-type: a/b", FormError::Header);
    let coding = "Content-Transfer-Encoding: binary";
    line(&format!("{coding}\r\n{coding}"), FormError::Header);
    for text in ["X: y\nZ: z", "X: y\rZ: z", "X: y\r\r\nZ: z", "\nX: y", "X: y\n\n"] {
        line(text, FormError::LineEnd);
    }
    bad("--B\r\n\r\nx\r\n--B--\r\n", FormError::Disposition);
    bad("--B\r\n\nx\r\n--B--\r\n", FormError::LineEnd);
}

#[test]
fn bytes_are_not_encoded_and_parts_not_nested() {
    let line = |line: &str| format!("{}\r\n{line}", field("a"));
    for coding in ["binary", "8BIT", "7bit "] {
        head(&line(&format!("Content-Transfer-Encoding: {coding}")));
    }
    for coding in ["base64", "quoted-printable", "binary, base64", "x", ""] {
        let text = line(&format!("Content-Transfer-Encoding: {coding}"));
        bad_head(&text, FormError::TransferEncoding);
    }
    for kind in ["multipart/mixed; boundary=x", "Multipart/Form-Data"] {
        bad_head(&line(&format!("Content-Type: {kind}")), FormError::Nested);
    }
    head(&line("Content-Type: multipart/related; boundary=x"));
    head(&line("Content-Type:"));
}
