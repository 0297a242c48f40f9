use super::*;

fn fields(parts: &[(&str, &str)]) -> Form {
    let heads: Vec<_> = parts.iter().map(|(name, value)| (field(name), *value)).collect();
    let parts: Vec<_> = heads.iter().map(|(head, value)| (head.as_str(), *value)).collect();
    good(&form(&parts)).form
}

#[test]
fn fields_are_kept_and_the_file_is_not() {
    let form = fields(&[("key", "a\r\nb"), ("X-Amz-Meta-A", "1"), ("x-amz-meta-a", "2")]);
    assert_eq!(form.get("KEY"), Some(&b"a\r\nb"[..]));
    assert_eq!(form.get("x-amz-meta-a"), Some(&b"1"[..]));
    assert_eq!(form.fields().len(), 3);
    assert_eq!((form.get("file"), form.get("policy")), (None, None));
    assert_eq!(form.file().unwrap().name, "file");
}

#[test]
fn what_decides_comes_once() {
    for name in ["key", "policy", "Content-Type", "x-amz-algorithm", "x-minio-fanout-list", "x"] {
        let lower = name.to_ascii_lowercase();
        for other in [name, lower.as_str(), &name.to_ascii_uppercase()] {
            bad(&form(&[(&field(name), "a"), (&field(other), "b")]), FormError::FieldTwice);
        }
    }
    for name in ["x-amz-meta-a", "X-Ignore-a"] {
        good(&form(&[(&field(name), "a"), (&field(name), "b")]));
    }
}

#[test]
fn a_form_has_one_file() {
    for name in ["file", "File", "FILE"] {
        let one = good(&file("x").replace("\"file\"", &format!("\"{name}\""))).form;
        assert!(one.file().is_some() && one.fields().is_empty());
        bad(&form(&[(&field(name), "x")]), FormError::FileTwice);
        // Without a file name SeaweedFS joins them, with one it takes the first.
        bad(&form(&[(&format!("{}; filename=\"a\"", field(name)), "x")]), FormError::FileTwice);
    }
    bad(&file("x").replace("\"file\"", "\"files\""), FormError::FileMissing);
    bad("--B--\r\n", FormError::FileMissing);
}

#[track_caller]
fn key(template: &str, parameters: &str, key: Result<&str, FormError>) {
    let body = form(&[(&field("key"), template)]);
    let form = good(&body.replace(FILE, &format!("{FILE}{parameters}"))).form;
    assert_eq!(form.object_key(), key.map(|k| Some(k.to_owned())), "{template} {parameters}");
}

#[test]
fn the_key_is_filled_in_with_the_file_name() {
    key("a/b", "; filename=\"x\"", Ok("a/b"));
    key("a/${filename}", "; filename=\"x y.jpg\"", Ok("a/x y.jpg"));
    key("${filename}/${filename}", "; filename=x", Ok("x/x"));
    key("${filename}", "; filename=\"C:\\dir\\x.jpg\"", Ok("x.jpg"));
    key("${filename}", "; filename=\"../dir/x.jpg\"", Ok("x.jpg"));
    key("a/${filename}", "; filename=\"dir/\"", Ok("a/"));
    key("a/${filename}", "", Ok("a/${filename}"));
    key("${Filename}", "; filename=x", Ok("${Filename}"));
    key("${filename}", "; filename=\"${filename}\"", Ok("${filename}"));
    assert_eq!(good(&file("x")).form.object_key(), Ok(None));
}

#[test]
fn a_key_is_never_made_from_an_ambiguous_name() {
    key("${filename}", "; filename=x; filename*=UTF-8''%78", Ok("x"));
    for parameters in [
        "; filename=x; filename*=utf-8''y",
        "; filename*=utf-8''x",
        "; filename=x; filename*=iso-8859-1''x",
        "; filename=x; filename*=x",
        "; filename=x; filename*=utf-8'en'x",
        "; filename=\"=?utf-8?B?w7w=?=\"; filename*=utf-8''%C3%BC",
    ] {
        key("${filename}", parameters, Err(FormError::Filename));
        key("a", parameters, Ok("a"));
    }
}

#[track_caller]
fn fan_out(list: &str, keys: Result<&[&str], FormError>) {
    let read = fields(&[("X-Minio-Fanout-List", list)]).fan_out_keys();
    let read = read.as_ref().map(|keys| keys.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(read, keys.as_ref().map(|keys| keys.to_vec()), "{list}");
}

#[test]
fn fan_out_lists_name_keys() {
    fan_out("{\"key\":\"a\"}\n{\"key\":\"b/c\",\"metadata\":{\"key\":\"x\"}}\n", Ok(&["a", "b/c"]));
    fan_out("{\"key\":\"a\"}{\"tags\":[1],\"Key\":\"b\"}", Ok(&["a", "b"]));
    fan_out("[{\"key\":\"a\"},{\"key\":\"\\u00fc\"}]", Ok(&["a", "ü"]));
    fan_out("", Ok(&[]));
    for list in [
        "{\"key\":\"a\"},{\"key\":\"b\"}",
        "{\"key\":\"a\"",
        "{}",
        "{\"key\":\"\"}",
        "{\"key\":1}",
        "{\"key\":null}",
        "{\"key\":\"a\",\"KEY\":\"b\"}",
        "\"a\"",
        "[\"a\"]",
        "{\"key\":\"a\"} x",
        &"[".repeat(200),
    ] {
        fan_out(list, Err(FormError::FanOut));
    }
    assert_eq!(good(&file("x")).form.fan_out_keys(), Ok(vec![]));
}
