use super::super::codec::tests::zlib;
use super::super::recorder::Recorder;
use super::super::view::{Incomplete, Kind};
use super::super::{Limits, Options, views};

const CACTUS: &[u8] = include_bytes!("../../../tests/data/notocactus-minimus.jpg");
const DOCUMENTS: Options = Options { documents: true, ..Options::NONE };

/// The pictures in a document, and what is missing.
fn pictures(document: &[u8], limits: Limits) -> (Vec<Vec<u8>>, Vec<Incomplete>) {
    let mut recorder = Recorder::new(document);
    let gaps = views(document, &[], DOCUMENTS, limits, &mut recorder);
    let seen = recorder.into_seen();
    assert!(seen.iter().all(|seen| seen.kind == Kind::Document && seen.whole));
    (seen.into_iter().map(|seen| seen.bytes).collect(), gaps.iter().collect())
}

#[track_caller]
fn check(document: &[u8], expected: &[&[u8]]) {
    let (found, gaps) = pictures(document, Limits::default());
    let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(lengths, expected.iter().map(|bytes| bytes.len()).collect::<Vec<_>>());
    assert!(found.iter().zip(expected).all(|(found, expected)| found == expected));
    assert_eq!(gaps, []);
}

fn pdf(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    for (dictionary, data) in streams {
        file.extend(format!("1 0 obj\n<< {dictionary} >>\nstream\r\n").as_bytes());
        file.extend(*data);
        file.extend(b"\nendstream\nendobj\n");
    }
    file.extend(b"trailer << /Root 1 0 R >>\n%%EOF\n");
    file
}

#[test]
fn pictures_in_pdf_are_found_by_length_or_by_the_end() {
    let length = format!("/Filter /DCTDecode /Length {}", CACTUS.len());
    let page = b"BT (Hello, stream\nof words) Tj ET".as_slice();
    for dictionary in [length.as_str(), "/Filter /DCTDecode /Length 12 0 R", "/Length 5", ""] {
        check(&pdf(&[("/Length 33", page), (dictionary, CACTUS)]), &[CACTUS]);
    }
    let coded = zlib(CACTUS);
    for dictionary in ["/Filter [/FlateDecode /DCTDecode]", "/Filter 9 0 R"] {
        check(&pdf(&[(dictionary, &coded), ("", &zlib(page)), ("", CACTUS)]), &[CACTUS, CACTUS]);
    }
    let jpx = b"\0\0\0\x0cjP  \r\n\x87\n and so on".as_slice();
    check(&pdf(&[("/Filter /JPXDecode", jpx)]), &[jpx]);
    check(&[b"junk\n".as_slice(), &pdf(&[("", CACTUS)])].concat(), &[CACTUS]);
}

#[test]
fn what_a_pdf_hides_is_told() {
    let reasons = |file: &[u8]| pictures(file, Limits::default()).1;
    let hex = pdf(&[("/Filter [/ASCIIHexDecode /DCTDecode]", b"ffd8ffe0>")]);
    assert_eq!(reasons(&hex), [Incomplete::Unsupported]);
    let encrypted = [pdf(&[]), b"trailer << /Encrypt 7 0 R >>".to_vec()].concat();
    assert_eq!(reasons(&encrypted), [Incomplete::Encrypted]);
    assert_eq!(reasons(&[pdf(&[]), b"(a word on /Encryption)".to_vec()].concat()), []);
    let cut = zlib(CACTUS);
    let broken = pdf(&[("", &cut[..cut.len() / 2])]);
    let mut recorder = Recorder::new(&broken);
    let gaps = views(&broken, &[], DOCUMENTS, Limits::default(), &mut recorder);
    assert!(gaps.contains(Incomplete::Malformed));
    assert!(CACTUS.starts_with(&recorder.into_seen()[0].bytes));
}

#[test]
fn streams_are_counted() {
    let file = pdf(&[("", CACTUS), ("", CACTUS)]);
    for (streams_max, expected) in [(2, vec![]), (1, vec![Incomplete::Count])] {
        let limits = Limits { streams_max, ..Limits::default() };
        let (found, gaps) = pictures(&file, limits);
        assert_eq!((found.len(), gaps), (streams_max, expected));
    }
}

/// Base64 with line breaks as asked.
fn base64(bytes: &[u8], line: usize, end: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
        let word = word[0] << 16 | word[1] << 8 | word[2];
        for at in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * at) & 63) as usize]);
            text.push(if at > group.len() { '=' } else { digit });
        }
    }
    let lines: Vec<&str> =
        (0..text.len()).step_by(line).map(|at| &text[at..text.len().min(at + line)]).collect();
    lines.join(end)
}

#[test]
fn pictures_written_out_in_text_are_found() {
    let plain = base64(CACTUS, usize::MAX / 2, "");
    let mime = base64(CACTUS, 76, "\r\n");
    let escaped = plain.replace('/', "\\/");
    let percent = plain.replace('/', "%2F").replace('+', "%2b");
    let folded = base64(CACTUS, 60, "\\n");
    for text in [
        format!("<img src=\"data:image/jpeg;base64,{plain}\">"),
        format!("<svg><image href='data:image/jpg;charset=x;base64,{percent}'/></svg>"),
        format!("{{\"picture\": \"{escaped}\"}}"),
        format!("{{\"picture\": \"data:image\\/jpeg;base64,{escaped}\", \"more\": 1}}"),
        format!("{{\"picture\": \"{folded}\"}}"),
        format!(
            "Content-Transfer-Encoding: BASE64\r\nContent-Type: image/jpeg\r\n\r\n{mime}\r\n--x--"
        ),
        format!("Content-Transfer-Encoding: base64\n\n{plain}"),
        plain.clone(),
    ] {
        check(text.as_bytes(), &[CACTUS]);
    }
    // Lengths that leave one or two bytes over.
    for cut in [CACTUS.len() - 1, CACTUS.len() - 2] {
        check(base64(&CACTUS[..cut], 76, "\n").as_bytes(), &[&CACTUS[..cut]]);
    }
    check(format!("url({plain}), url({plain})").as_bytes(), &[CACTUS, CACTUS]);
}

#[test]
fn other_text_has_no_pictures() {
    for text in [
        "",
        "plain text about base64, and no more",
        "base64,",
        "data:image/png;base64,AAAA",
        "/9j/",
    ] {
        check(text.as_bytes(), &[]);
    }
}

#[test]
fn long_texts_are_searched_to_the_bound() {
    let text = format!("{}{}", ".".repeat(1000), base64(CACTUS, 76, "\n"));
    for (text_bytes_max, found, expected) in [
        (1004, 1, vec![Incomplete::Bytes]),
        (1003, 0, vec![Incomplete::Bytes]),
        (text.len(), 1, vec![]),
    ] {
        let limits = Limits { text_bytes_max, ..Limits::default() };
        let (pictures, gaps) = pictures(text.as_bytes(), limits);
        assert_eq!((pictures.len(), gaps), (found, expected), "{text_bytes_max}");
    }
}
