use super::*;
use proptest::prelude::*;

/// A list of parts around `inner`.
fn list(inner: &str) -> String {
    format!("<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>")
}

fn part(number: u32, etag: &str) -> String {
    format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
}

fn pairs(parts: &[(u32, ETag)]) -> Vec<(u32, &str)> {
    parts.iter().map(|(number, etag)| (*number, etag.as_str())).collect()
}

#[track_caller]
fn parts(body: &str, wanted: &[(u32, &str)]) {
    let read = completed_parts(body.as_bytes());
    assert_eq!(read.as_deref().map(pairs), Ok(wanted.to_vec()), "{body}");
}

#[track_caller]
fn bad(body: &str, error: CompleteError) {
    assert_eq!(completed_parts(body.as_bytes()), Err(error), "{body}");
}

#[test]
fn lists_of_real_clients_are_read() {
    let two = part(1, "\"a\"") + &part(2, "\"b\"");
    parts(&list(&two), &[(1, "a"), (2, "b")]);
    parts(&list(&part(1, "&quot;a-1&#34;")), &[(1, "a-1")]);
    parts(&list(&part(1, "a")), &[(1, "a")]);
    parts(&list(&part(10_000, "a")), &[(10_000, "a")]);
    // botocore; aws-sdk-java with checksums; minio-go; .NET with a byte order mark.
    parts(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><ETag>\
         \"A\"</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
        &[(1, "A")],
    );
    parts(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUpload>\n  <Part>\n    \
         <ChecksumCRC32>AAAAAA==</ChecksumCRC32>\n    <ETag>&#34;a&#34;</ETag>\n    <PartNumber> 3 \
         </PartNumber>\n  </Part>\n  <!-- one -->\n</CompleteMultipartUpload>\n",
        &[(3, "a")],
    );
    let minio = "<PartNumber>1</PartNumber><ETag>a</ETag><Size>0</Size><ChecksumSHA256/>";
    parts(&list(&format!("<Part>{minio}</Part>")), &[(1, "a")]);
    parts(&format!("\u{feff}{}", list(&part(1, "a"))), &[(1, "a")]);
    // Python's ElementTree.
    let prefixed = list(&part(1, "a")).replace('<', "<ns0:").replace("<ns0:/", "</ns0:");
    let root = "<ns0:CompleteMultipartUpload xmlns:ns0=\"u\">";
    parts(&prefixed.replacen("<ns0:CompleteMultipartUpload>", root, 1), &[(1, "a")]);
    parts(&list(&format!("<Other><x>y</x></Other>{}", part(1, "a"))), &[(1, "a")]);
}

#[test]
fn parts_ascend() {
    for inner in [
        part(2, "a") + &part(1, "b"),
        part(1, "a") + &part(1, "a"),
        part(1, "a") + &part(3, "b") + &part(2, "c"),
        part(10_000, "a") + &part(10_000, "a"),
    ] {
        bad(&list(&inner), CompleteError::Order);
    }
    bad(&list(""), CompleteError::Empty);
    bad("<CompleteMultipartUpload/>", CompleteError::Empty);
    bad(&list("<Other/>"), CompleteError::Empty);
}

#[test]
fn numbers_are_plain() {
    for number in ["", "0", "01", "-1", "+1", "1.0", "1 2", "a", "10001", "4294967297", "１", "0x1"]
    {
        let inner = format!("<Part><PartNumber>{number}</PartNumber><ETag>a</ETag></Part>");
        bad(&list(&inner), CompleteError::Number);
    }
}

#[test]
fn etags_have_one_form() {
    let etag = |text: &str| ETag::parse(text).map(|e| e.to_string());
    for text in ["a", "\"a\"", " \"a\"\r\n", "\ta "] {
        assert_eq!(etag(text).as_deref(), Some("a"), "{text:?}");
    }
    assert_eq!(etag("\"Ab-12/=+\"").as_deref(), Some("Ab-12/=+"));
    for text in ["", "\"\"", "\"", "\"a", "a\"", "\"\"a\"\"", "W/\"a\"", "a b", "\" a\"", "é", "\0"]
    {
        assert_eq!(etag(text), None, "{text:?}");
    }
    assert!(etag(&"a".repeat(MAX_ETAG)).is_some());
    assert!(etag(&format!("\"{}\"", "a".repeat(MAX_ETAG))).is_some());
    assert_eq!(etag(&"a".repeat(MAX_ETAG + 1)), None);
    bad(&list(&part(1, "&quot;a")), CompleteError::ETag);
    bad(&list(&part(1, "")), CompleteError::ETag);
}

#[test]
fn elements_stand_in_their_place_and_come_once() {
    let number = "<PartNumber>1</PartNumber>";
    let etag = "<ETag>a</ETag>";
    for inner in [
        "<Part/>".to_owned(),
        format!("<Part>{number}</Part>"),
        format!("<Part>{etag}</Part>"),
        format!("<Part>{number}{etag}{number}</Part>"),
        format!("<Part>{number}{etag}{etag}</Part>"),
        format!("<Part>{number}{etag}<ChecksumCRC32/><ChecksumCRC32/></Part>"),
    ] {
        bad(&list(&inner), CompleteError::Part);
    }
    let whole = part(1, "a");
    for inner in [
        format!("<part>{number}{etag}</part>{whole}"),
        format!("<Other>{whole}</Other>{whole}"),
        format!("<Other><x><etag/></x></Other>{whole}"),
        format!("{whole}{number}"),
        list(&whole),
        format!("<Part>{number}{etag}{whole}</Part>"),
        format!("<Part>{number}{etag}<Partnumber>2</Partnumber></Part>"),
        format!("<Part>{number}{etag}<x><ETag>b</ETag></x></Part>"),
    ] {
        bad(&list(&inner), CompleteError::Misplaced);
    }
    for body in [&whole, "<completemultipartupload/>", "<Other/>"] {
        bad(body, CompleteError::Misplaced);
    }
    for inner in [
        "x".to_owned(),
        format!("<Part>x{number}{etag}</Part>"),
        format!("<Part><PartNumber>1<x/></PartNumber>{etag}</Part>"),
        format!("<Part>{number}<ETag>a<!-- --><x/></ETag></Part>"),
        format!("<x:Part>{number}{etag}</x:Part>"),
        format!("<Part xmlns=\"u\">{number}{etag}</Part>"),
    ] {
        bad(&list(&inner), CompleteError::Malformed);
    }
    bad("", CompleteError::Malformed);
    bad(&format!("<!DOCTYPE x>{}", list(&whole)), CompleteError::Malformed);
    bad(&format!("{}x", list(&whole)), CompleteError::Malformed);
}

#[test]
fn lists_are_bounded() {
    let padded = |len: usize| {
        let body = list(&part(1, "a"));
        let padding = " ".repeat(len - body.len());
        body + &padding
    };
    parts(&padded(MAX_COMPLETE_BODY), &[(1, "a")]);
    let too_large = completed_parts(padded(MAX_COMPLETE_BODY + 1).as_bytes());
    assert_eq!(too_large, Err(CompleteError::TooLarge));

    let most: String = (1..=MAX_PART_NUMBER).map(|n| part(n, "a")).collect();
    let read = completed_parts(list(&most).as_bytes()).unwrap();
    assert_eq!(read.len(), MAX_PART_NUMBER as usize);
    bad(&list(&(most + &part(MAX_PART_NUMBER + 1, "a"))), CompleteError::Number);

    let children = |count: usize| {
        let others: String = (0..count - 2).map(|i| format!("<x{i}/>")).collect();
        list(&format!("<Part><PartNumber>1</PartNumber><ETag>a</ETag>{others}</Part>"))
    };
    parts(&children(32), &[(1, "a")]);
    bad(&children(33), CompleteError::Part);
}

#[test]
fn upload_ids_are_found() {
    let answer = |root: &str, inner: &str| {
        let text = format!("<?xml version=\"1.0\"?>\n<{root} xmlns=\"u\">{inner}</{root}>");
        initiated_upload_id(text.as_bytes())
    };
    let root = "InitiateMultipartUploadResult";
    let fields = "<Bucket>b</Bucket><Key>UploadId</Key><UploadId>a&amp;b</UploadId>";
    assert_eq!(answer(root, fields).as_deref(), Some("a&b"));
    assert_eq!(answer(root, &format!("<x><UploadId>c</UploadId></x>{fields}")).unwrap(), "a&b");
    assert_eq!(answer(root, "<UploadId></UploadId>"), None);
    assert_eq!(answer(root, "<x><UploadId>c</UploadId></x>"), None);
    assert_eq!(answer("InitiateMultipartUpload", fields).as_deref(), Some("a&b"), "rclone's");
    assert_eq!(answer("Error", fields), None);
    assert_eq!(initiated_upload_id(b""), None);
    assert_eq!(initiated_upload_id(b"<InitiateMultipartUploadResult><UploadId>c</UploadId>"), None);
    let padded = |len: usize| {
        let text = format!("<{root}><UploadId>c</UploadId></{root}>");
        let padding = " ".repeat(len - text.len());
        initiated_upload_id((text + &padding).as_bytes())
    };
    assert_eq!(padded(MAX_ANSWER).as_deref(), Some("c"));
    assert_eq!(padded(MAX_ANSWER + 1), None);
}

#[test]
fn an_error_may_hide_in_an_answer() {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    let done = "<CompleteMultipartUploadResult xmlns=\"u\"><Bucket>b</Bucket><ETag>\"a-2\"</ETag>\
                </CompleteMultipartUploadResult>";
    let failed = "<Error><Code>InternalError</Code><Message>m</Message></Error>";
    let etag = ETag::parse("a-2");
    let code = "InternalError".to_owned();
    for before in ["", " \n  ", declaration, &format!("{declaration}   \n")] {
        let read = |text: &str| completion(format!("{before}{text}").as_bytes());
        assert_eq!(read(done), Some(Completion::Done { etag: etag.clone() }));
        assert_eq!(read(failed), Some(Completion::Failed { code: code.clone() }));
    }
    for text in ["", " ", declaration, "<Error/>", "<Other/>", &failed[..20], "{}"] {
        assert_eq!(completion(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn complete_errors_have_their_codes() {
    let labels: std::collections::BTreeSet<_> =
        CompleteError::ALL.iter().map(|e| e.label()).collect();
    assert_eq!(labels.len(), CompleteError::ALL.len());
    for error in CompleteError::ALL {
        assert_eq!(ErrorCode::from(error).status(), 400);
    }
    assert_eq!(ErrorCode::from(CompleteError::Order).name(), "InvalidPartOrder");
    assert_eq!(ErrorCode::from(CompleteError::TooLarge).name(), "EntityTooLarge");
    assert_eq!(ErrorCode::from(CompleteError::Empty).name(), "MalformedXML");
}

/// Writes a list as clients do, in one of their ways.
fn write(parts: &[(u32, String)], style: u8) -> String {
    let quote = ["\"", "&quot;", "&#34;", ""][usize::from(style % 4)];
    let escaped = |etag: &str| etag.replace('&', "&amp;").replace('<', "&lt;");
    let part =
        |(number, etag): &(u32, String)| part(*number, &format!("{quote}{}{quote}", escaped(etag)));
    list(&parts.iter().map(part).collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        numbers in prop::collection::btree_set(1..=MAX_PART_NUMBER, 1..40),
        etags in prop::collection::vec("[!#-~]{1,40}", 40),
        style: u8,
    ) {
        let parts: Vec<_> = numbers.into_iter().zip(etags).collect();
        let read = completed_parts(write(&parts, style).as_bytes()).unwrap();
        let read: Vec<_> = read.iter().map(|(n, e)| (*n, e.as_str().to_owned())).collect();
        prop_assert_eq!(read, parts);
    }

    #[test]
    fn damage_is_never_read_as_an_empty_list(
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let mut body = list(&(part(1, "\"a\"") + &part(2, "\"b\""))).into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(parts) = completed_parts(&body) {
            prop_assert_eq!(parts.len(), 2);
        }
    }
}
