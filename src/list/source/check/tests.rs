//! Each format by table: what is read, what is refused, and what the refusal says.

use std::io::{self, BufReader, Read};

use proptest::prelude::*;

use super::*;

const MD5: &str = "0123456789abcdef0123456789abcdef";
const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";
const SHA256: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// Writes `M`, `S`, `L` and `N` for the hashes above and reads the text at every cut.
fn read(format: &SourceFormat, text: &str) -> Result<String, String> {
    let text = fill(text);
    let whole = outcome(format, text.as_bytes(), text.len().max(1));
    for capacity in 1..=text.len().min(200) {
        assert_eq!(outcome(format, text.as_bytes(), capacity), whole, "{text:?}");
    }
    match whole {
        Ok((_, entries)) => Ok(entries.iter().map(show).collect::<Vec<_>>().join(" ")),
        Err(errors) => Err(errors.to_string()),
    }
}

fn fill(text: &str) -> String {
    [("{M}", MD5), ("{S}", SHA1), ("{L}", SHA256), ("{N}", NOTHING)]
        .iter()
        .fold(text.to_owned(), |text, (name, hash)| text.replace(name, hash))
}

fn show(entry: &Entry) -> String {
    let hash = match entry.hash.to_string() {
        hex if hex == MD5 => "M",
        hex if hex == SHA1 => "S",
        hex if hex == SHA256 && entry.hash.kind() == HashKind::Pdq => "P",
        hex if hex == SHA256 => "L",
        _ => "?",
    };
    match &entry.label {
        Some(label) => format!("{hash}={label}"),
        None => hash.to_owned(),
    }
}

fn table(format: &SourceFormat, rows: &[(&str, Result<&str, &str>)]) {
    for (text, expected) in rows {
        let found = read(format, text);
        assert_eq!(found.as_deref().map_err(String::as_str), *expected, "{text:?}");
    }
}

#[test]
fn plain() {
    table(
        &SourceFormat::Plain(Algorithm::Md5.into()),
        &[
            ("{M}", Ok("M")),
            ("{M}\n{M}\n", Ok("M M")),
            ("\u{feff}{M}\r\n\r\n# made up\r\n  {M}\t\r\n", Ok("M M")),
            ("0123456789ABCDEF0123456789abcdef", Ok("M")),
            ("{N}\n{M}", Ok("M")),
            ("", Err("line 0: the list has no entry")),
            ("# only\n\n", Err("line 2: the list has no entry")),
            ("{N}\n", Err("line 1: the list has no entry")),
            ("{M}\n{S}\n", Err("line 2: md5 is 32 hex digits, not 40")),
            ("{M} name", Err("line 1: there is more than a hash on the line")),
            (
                "{M}{M}\n\n{M}0",
                Err("line 1: md5 is 32 hex digits, not 64\nline 3: md5 is 32 hex digits, not 33"),
            ),
            ("x123456789abcdef0123456789abcdef", Err("line 1: md5: byte 0 is not a hex digit")),
            ("{M}\0", Err("line 1: md5 is 32 hex digits, not 33")),
            ("{M}\u{feff}", Err("line 1: md5 is 32 hex digits, not 35")),
        ],
    );
    table(
        &SourceFormat::Plain(Algorithm::Sha256.into()),
        &[("{L}", Ok("L")), ("{M}", Err("line 1: sha256 is 64 hex digits, not 32"))],
    );
}

#[test]
fn tagged() {
    table(
        &SourceFormat::Tagged,
        &[
            ("md5 {M}\nsha1 {S}\nsha256 {L}\n", Ok("M S L")),
            ("SHA256\t{L}  case 12, photo 3 \r\n", Ok("L=case 12, photo 3")),
            ("md5  {M}", Ok("M")),
            ("pdq {L} case 12\nPDQ {L}\n", Ok("P=case 12 P")),
            ("gradient-8 a0a1a2a3a4a5a6a7 mine", Ok("?=mine")),
            (
                "{M}",
                Err("line 1: the line does not begin with a kind of hash, such as sha256 or pdq"),
            ),
            ("pdq {M}", Err("line 1: pdq is 64 hex digits, not 32")),
            ("pdq {L} is {L}", Err("line 1: the label holds the hash")),
            ("gradient-8 {L}", Err("line 1: gradient-8 is 16 hex digits, not 64")),
            ("gradient-8 x0a1a2a3a4a5a6a7", Err("line 1: gradient-8: byte 0 is not a hex digit")),
            ("md5", Err("line 1: there is no hash")),
            ("md5 {S}", Err("line 1: md5 is 32 hex digits, not 40")),
            ("md5 {M} is {M}", Err("line 1: the label holds the hash")),
            ("md5 {M} a\u{1b}b", Err("line 1: the label holds a character that can't be printed")),
        ],
    );
}

#[test]
fn csv() {
    let map = |delimiter, columns: &[(Algorithm, &str)], label: Option<&str>| {
        let columns = columns.iter().map(|(a, name)| ((*a).into(), (*name).to_owned())).collect();
        let label = label.map(str::to_owned);
        SourceFormat::Csv(CsvMap { delimiter, columns, label, quality: None })
    };
    let both = [(Algorithm::Md5, "MD5"), (Algorithm::Sha1, "SHA1")];
    table(
        &map(b';', &both, Some("Image ID")),
        &[
            ("MD5;SHA1;PhotoDNA;Image ID\n{M};{S};xyz;7\n", Ok("M=7 S=7")),
            ("\u{feff}Image ID;MD5;SHA1\r\n7;{M};\r\n8;;{S}\r\n", Ok("M=7 S=8")),
            (
                "# c\n\nMD5;SHA1;Image ID\n{M};;\n#1;2\n",
                Err("line 5: the row has 2 fields, the header has 3"),
            ),
            ("Image ID;MD5;SHA1\n#1;{M};\n# a comment\n", Ok("M=#1")),
            ("MD5;SHA1;Image ID\n\"{M}\";;\"a;\"\"b\"\"\"", Ok("M=a;\"b\"")),
            ("MD5;SHA1;Image ID\n {M} ; ; x \n", Ok("M=x")),
            ("MD5;SHA1;Image ID\n;;x\n", Err("line 2: there is no hash")),
            ("MD5;SHA1;Image ID\n{M};{M};x\n", Err("line 2: sha1 is 40 hex digits, not 32")),
            ("MD5;SHA1;Image ID\n{M};;{M}.jpg\n", Err("line 2: the label holds the hash")),
            (
                "MD5;SHA1;Image ID\n{M};;\"x\n{M};;y\"\n",
                Err("line 2: a quoted field does not end on its line"),
            ),
            (
                "MD5;SHA1;Image ID\n{M};;x\ry;z\n",
                Err("line 2: the row has 4 fields, the header has 3"),
            ),
            ("MD5;SHA1;Image ID\n", Err("line 1: the list has no entry")),
            ("MD5;sha1;Image ID\n{M};;\n", Err("line 1: the header has no column \"SHA1\"")),
            ("MD5;SHA1\n", Err("line 1: the header has no column \"Image ID\"")),
            ("MD5;SHA1;MD5;Image ID\n", Err("line 1: the header has more than one column \"MD5\"")),
            ("# only\n", Err("line 1: there is no header row")),
            ("", Err("line 0: there is no header row")),
        ],
    );
    table(
        &map(b',', &[(Algorithm::Sha256, "sha256hash")], None),
        &[("sha256hash,category\n{L},A\n", Ok("L")), ("sha256hash\n# no comma\n{L}\n", Ok("L"))],
    );
}

#[test]
fn csv_with_quality() {
    let columns = [(HashKind::Pdq, "hash"), (Algorithm::Md5.into(), "md5")];
    let columns = columns.map(|(kind, name)| (kind, name.to_owned())).to_vec();
    let quality = Some("quality".to_owned());
    let format = SourceFormat::Csv(CsvMap { delimiter: b',', columns, label: None, quality });
    let wrong = Err("line 2: the quality is not a whole number from 0 to 100");
    table(
        &format,
        &[
            ("hash,quality,md5\n{L},50,\n{L},49,\n{L},0,\n{L},100,\n", Ok("P P")),
            // Nobody has said that it is bad; and a digest is as good as any.
            ("hash,quality,md5\n{L},,\n{L},3,{M}\n", Ok("P M")),
            ("hash,quality,md5\n{L},101,\n", wrong),
            ("hash,quality,md5\n{L},0.9,\n", wrong),
            ("hash,quality,md5\n{L},-1,\n", wrong),
            ("hash,md5\n{L},\n", Err("line 1: the header has no column \"quality\"")),
            ("hash,quality,md5\n{L},49,\n", Err("line 2: the list has no entry")),
        ],
    );
    let text = fill("hash,quality,md5\n{L},50,\n{L},49,{N}\n");
    let flat = format!("{},99,\n", "0".repeat(64));
    let (summary, _) = outcome(&format, (text + &flat).as_bytes(), 8).unwrap();
    assert_eq!(summary, SourceSummary { lines: 4, entries: 1, held: 1, flat: 1, poor: 1 });
}

#[test]
fn plain_perceptual() {
    let own = PerceptualKind::new(PerceptualAlgorithm::Blockhash, 8, false).unwrap();
    table(
        &SourceFormat::Plain(HashKind::Perceptual(own)),
        &[
            ("00ff00ff00FF00ff\n", Ok("?")),
            ("0000000000000000\n00ff00ff00ff00ff", Ok("?")),
            ("0000000000000000\n", Err("line 1: the list has no entry")),
            ("{M}", Err("line 1: blockhash-8 is 16 hex digits, not 32")),
        ],
    );
    table(
        &SourceFormat::Plain(HashKind::Pdq),
        &[
            ("{L}\n{L}", Ok("P P")),
            ("{M}", Err("line 1: pdq is 64 hex digits, not 32")),
            ("{L} x", Err("line 1: there is more than a hash on the line")),
        ],
    );
}

#[test]
fn hashdeep() {
    let head = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## made up\n## \n";
    let with = |rows: &str| format!("{head}{rows}");
    table(
        &SourceFormat::Hashdeep,
        &[
            (&with("12,{M},{L},/a/b, c.jpg\n"), Ok("M=/a/b, c.jpg L=/a/b, c.jpg")),
            (&with("0,{N},{L},empty\n"), Ok("L=empty")),
            (&with("1,{M},{L},files/{M}\n"), Ok("M L")),
            (&with("1,{M},{L},\n"), Ok("M L")),
            (&with("x,{M},{L},a\n"), Err("line 5: the size is not a number")),
            (&with(",{M},{L},a\n"), Err("line 5: the size is not a number")),
            (&with("1,{M}\n"), Err("line 5: the row has 2 fields, the header has 4")),
            (&with("1,{M},{L}\n"), Err("line 5: the row has 3 fields, the header has 4")),
            (&with("1,{L},{M},a\n"), Err("line 5: md5 is 32 hex digits, not 64")),
            (&with(""), Err("line 4: the list has no entry")),
            ("%%%% HASHDEEP-1.0\r\n%%%% size,tiger,sha-1,filename\r\n1,xx,{S},a\r\n", Ok("S=a")),
            (
                "%%%% HASHDEEP-1.0\n%%%% size,tiger,filename\n",
                Err(
                    "line 2: the columns are not \"size\", then hashes with md5, sha1 or sha256, then \"filename\"",
                ),
            ),
            (
                "%%%% HASHDEEP-1.0\n%%%% size,md5,md5,filename\n",
                Err(
                    "line 2: the columns are not \"size\", then hashes with md5, sha1 or sha256, then \"filename\"",
                ),
            ),
            (
                "%%%% HASHDEEP-1.0\n1,{M},a\n",
                Err(
                    "line 2: the columns are not \"size\", then hashes with md5, sha1 or sha256, then \"filename\"",
                ),
            ),
            (
                "%%%% HASHDEEP-2.0\n",
                Err("line 1: the file does not begin with the line \"%%%% HASHDEEP-1.0\""),
            ),
            (
                "{M}\n{M}\n",
                Err("line 1: the file does not begin with the line \"%%%% HASHDEEP-1.0\""),
            ),
            ("", Err("line 0: the file does not begin with the line \"%%%% HASHDEEP-1.0\"")),
        ],
    );
}

#[test]
fn md5sum() {
    table(
        &SourceFormat::Md5sum(Algorithm::Md5),
        &[
            ("{M}  a b.jpg\n{M} *c\n", Ok("M=a b.jpg M=c")),
            ("{M} bsd -r\n", Ok("M=bsd -r")),
            ("{M}  -\r\n", Ok("M=-")),
            ("\\{M}  a\\\\b\n", Ok("M=a\\b")),
            ("\\{M}  a\\nb\n", Ok("M")),
            ("\\{M}  a\\tb\n", Err("line 1: the file name is escaped wrongly")),
            ("\\{M}  a\\\n", Err("line 1: the file name is escaped wrongly")),
            ("{M}  a\\tb\n", Ok("M=a\\tb")),
            ("      1234  {M}  a\n", Ok("M=a")),
            ("MD5 (a) = {M}\nmd5(b)= {M}\n", Ok("M=a M=b")),
            ("MD5 (a (1) = x).jpg) = {M}\n", Ok("M=a (1) = x).jpg")),
            ("{M}  copy (1).jpg\n{M} (1)\n", Ok("M=copy (1).jpg M=(1)")),
            ("SHA1 (a) = {S}\n", Err("line 1: the line is tagged with another algorithm than md5")),
            ("MD5 (a) {M}\n", Err("line 1: there is no hash")),
            ("MD5 () = {M}\n", Err("line 1: there is no file name beside the hash")),
            ("MD5 (a = {M}\n", Err("line 1: there is no file name beside the hash")),
            ("{M}\n", Err("line 1: there is no file name beside the hash")),
            ("{M}  \n", Err("line 1: there is no file name beside the hash")),
            ("{S}  a\n", Err("line 1: md5 is 32 hex digits, not 40")),
            ("{N}  empty\n{M}  a\n", Ok("M=a")),
        ],
    );
    table(
        &SourceFormat::Md5sum(Algorithm::Sha256),
        &[("SHA2-256(a)= {L}\nSHA256 (b) = {L}\n{L}  c\n", Ok("L=a L=b L=c"))],
    );
    table(
        &SourceFormat::Md5sum(Algorithm::Sha1),
        &[("SHA1 (a) = {S}\n{S}  {S}.jpg\n", Ok("S=a S"))],
    );
}

#[test]
fn a_name_that_is_no_text_gives_no_label() {
    let mut line = format!("{MD5}  ").into_bytes();
    line.push(0xff);
    let (_, entries) = outcome(&SourceFormat::Md5sum(Algorithm::Md5), &line, 8).unwrap();
    assert_eq!(entries[0].label, None);
    let error = outcome(&SourceFormat::Tagged, b"md5 \xff", 8).unwrap_err();
    assert_eq!(error.to_string(), "line 1: the line is not UTF-8 text");
}

#[test]
fn counts_tell_entries_from_what_is_held() {
    let text = fill("# c\n{N}\n{M}\n{N}\n{M}\n");
    let (summary, _) =
        outcome(&SourceFormat::Plain(Algorithm::Md5.into()), text.as_bytes(), 8).unwrap();
    assert_eq!(
        summary,
        SourceSummary { lines: 5, entries: 2, held: 2, ..SourceSummary::default() }
    );
}

#[test]
fn a_hundred_errors_are_told_and_the_others_counted() {
    let format = SourceFormat::Plain(Algorithm::Md5.into());
    for (lines, more) in [(99, 0), (100, 0), (101, 1), (250, 150)] {
        let errors = outcome(&format, "x\n".repeat(lines).as_bytes(), 64).unwrap_err();
        assert_eq!((errors.errors.len(), errors.more), (lines.min(100), more));
        let last = if more == 0 {
            format!("line {lines}: md5 is 32 hex digits, not 1")
        } else {
            format!("and {more} more")
        };
        assert_eq!(errors.to_string().lines().last(), Some(&last[..]));
    }
}

#[test]
fn what_can_not_get_better_ends_the_reading() {
    let format = SourceFormat::Plain(Algorithm::Md5.into());
    let utf16 = outcome(&format, b"\xff\xfea\0\n\0b\0\n\0", 64).unwrap_err();
    assert_eq!(utf16.to_string(), "line 1: the file is in UTF-16; convert it to UTF-8");
    let long = format!("{}\n{MD5}\n", "x".repeat(LINE_BYTES_MAX + 1));
    let long = outcome(&format, long.as_bytes(), 64).unwrap_err();
    assert_eq!(long.to_string(), "line 1: the line has more than 65536 bytes");
}

/// Gives one line, then fails.
struct Fails(bool);

impl Read for Fails {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0 {
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        }
        self.0 = true;
        out[0] = b'\n';
        Ok(1)
    }
}

#[test]
fn a_failed_read_is_an_error_not_an_end() {
    let format = SourceFormat::Plain(Algorithm::Md5.into());
    let errors = read_source(&format, BufReader::new(Fails(false)), &mut |_| {}).unwrap_err();
    assert_eq!(errors.to_string(), "line 1: reading fails: connection reset");
}

fn lists() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(fill("{M}")),
        Just(fill("{S}")),
        Just(fill("{L}")),
        Just(fill("{N}")),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("pdq,gradient-8,md5,sha1,sha256,label,quality\n".to_owned()),
        Just("%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n".to_owned()),
        "md5 |sha256 |pdq |gradient-8 |MD5 \\(a\\) = |[,;\"#\\\\* 1]|\u{feff}|a",
    ];
    (any::<[u8; 2]>(), prop::collection::vec(piece, 0..30))
        .prop_map(|(head, pieces)| [&head[..], pieces.concat().as_bytes()].concat())
}

proptest! {
    #[test]
    fn any_list_keeps_the_properties(data in lists()) {
        check(&data);
    }
}
