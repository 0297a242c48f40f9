//! XML as S3 speaks it, read strictly: elements and text, and nothing that two parsers could read
//! differently.
//!
//! Some stores know namespaces, some compare names as they stand, some pass over what they don't
//! know. So all elements have one prefix, namespaces are declared at the root only, and there are no
//! document types, no entities but the five predefined ones, no CDATA and no processing instructions.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

/// Deepest nesting of elements. S3's own is 4.
const MAX_DEPTH: usize = 16;

/// Most elements of a document. A list of 10,000 parts with all checksums has 150,000.
const MAX_ELEMENTS: usize = 200_000;

/// Most attributes of an element. S3's own is 2.
const MAX_ATTRIBUTES: usize = 16;

/// Most bytes of a text that means something: an ETag has 256.
const MAX_TEXT: usize = 1024;

/// A document that is malformed, or uses what S3 doesn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An element begins; its name without prefix.
    Open(String),
    /// A run of text; several may follow one another.
    Text(Cow<'a, str>),
    /// The innermost element ends.
    Close,
}

/// Reads a document token by token.
pub(super) struct Document<'a> {
    reader: Reader<&'a [u8]>,
    place: Place,
    depth: usize,
    elements: usize,
    /// Of the root's name, with its colon.
    prefix: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing has come.
    Start,
    /// The declaration, a comment or white space has come.
    Prolog,
    /// In the root element.
    Root,
    /// The root element has ended.
    End,
}

impl<'a> Document<'a> {
    /// A document in UTF-8, with or without a byte order mark.
    pub(super) fn new(body: &'a [u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(body).map_err(|_| Malformed)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.chars().all(is_char) {
            return Err(Malformed);
        }
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        let place = Place::Start;
        Ok(Document { reader, place, depth: 0, elements: 0, prefix: String::new() })
    }

    /// The next token; `None` at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Malformed> {
        loop {
            let event = self.reader.read_event().map_err(|_| Malformed)?;
            match event {
                Event::Start(start) => return self.open(&start).map(Some),
                Event::End(_) => return Ok(Some(self.close())),
                Event::Text(text) => {
                    let text = text.decode().map_err(|_| Malformed)?;
                    match self.place {
                        Place::Root => return Ok(Some(Token::Text(text))),
                        Place::Start | Place::Prolog | Place::End if !is_blank(&text) => {
                            return Err(Malformed);
                        }
                        Place::Start | Place::Prolog => self.place = Place::Prolog,
                        Place::End => {}
                    }
                }
                Event::GeneralRef(reference) if self.place == Place::Root => {
                    return resolve(&reference).map(Token::Text).map(Some);
                }
                Event::Decl(declaration) if self.place == Place::Start => {
                    check_declaration(&declaration)?;
                    self.place = Place::Prolog;
                }
                Event::Comment(_) if self.place == Place::Start => self.place = Place::Prolog,
                Event::Comment(_) => {}
                Event::Eof if self.place == Place::End => return Ok(None),
                Event::Eof
                | Event::Empty(_)
                | Event::GeneralRef(_)
                | Event::Decl(_)
                | Event::CData(_)
                | Event::PI(_)
                | Event::DocType(_) => return Err(Malformed),
            }
        }
    }

    /// Reads to the end of the element that was opened last, and gives its text.
    ///
    /// Fails if it holds elements, or more than [`MAX_TEXT`].
    pub(super) fn text(&mut self) -> Result<String, Malformed> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Some(Token::Text(more)) if text.len() + more.len() <= MAX_TEXT => {
                    text.push_str(&more);
                }
                Some(Token::Close) => return Ok(text),
                Some(Token::Open(_) | Token::Text(_)) | None => return Err(Malformed),
            }
        }
    }

    /// The next element within the one that is open, or `None` where that one ends. Between elements
    /// there may be white space only.
    pub(super) fn child(&mut self) -> Result<Option<String>, Malformed> {
        loop {
            match self.next()? {
                Some(Token::Text(text)) if is_blank(&text) => {}
                Some(Token::Open(name)) => return Ok(Some(name)),
                Some(Token::Close) => return Ok(None),
                Some(Token::Text(_)) | None => return Err(Malformed),
            }
        }
    }

    fn open(&mut self, start: &BytesStart) -> Result<Token<'a>, Malformed> {
        if self.place == Place::End || self.depth == MAX_DEPTH || self.elements == MAX_ELEMENTS {
            return Err(Malformed);
        }
        let is_root = self.depth == 0;
        check_attributes(start, is_root)?;
        let name = start.name();
        let name = std::str::from_utf8(name.as_ref()).map_err(|_| Malformed)?;
        let (prefix, local) = name.split_at(name.find(':').map_or(0, |colon| colon + 1));
        if !is_name(local) || !prefix.is_empty() && !is_name(&prefix[..prefix.len() - 1]) {
            return Err(Malformed);
        }
        if is_root {
            self.prefix = prefix.to_owned();
        }
        self.place = Place::Root;
        self.depth += 1;
        self.elements += 1;
        if prefix == self.prefix { Ok(Token::Open(local.to_owned())) } else { Err(Malformed) }
    }

    fn close(&mut self) -> Token<'a> {
        self.depth -= 1;
        if self.depth == 0 {
            self.place = Place::End;
        }
        Token::Close
    }
}

/// Well-formed, few, and no namespace declared below the root.
fn check_attributes(start: &BytesStart, is_root: bool) -> Result<(), Malformed> {
    for (count, attribute) in start.attributes().enumerate() {
        let attribute = attribute.map_err(|_| Malformed)?;
        let name = attribute.key.as_ref();
        let names_space = name == b"xmlns" || name.starts_with(b"xmlns:");
        let malformed = attribute.value.contains(&b'<');
        if malformed || count == MAX_ATTRIBUTES || names_space && !is_root {
            return Err(Malformed);
        }
    }
    Ok(())
}

/// XML 1.0 in UTF-8.
fn check_declaration(declaration: &BytesDecl) -> Result<(), Malformed> {
    let version = declaration.version().map_err(|_| Malformed)?;
    let encoding = match declaration.encoding() {
        Some(encoding) => encoding.map_err(|_| Malformed)?,
        None => Cow::Borrowed(b"UTF-8".as_slice()),
    };
    let known: [&[u8]; 2] = [b"utf-8", b"us-ascii"];
    let is_known = known.iter().any(|k| encoding.eq_ignore_ascii_case(k));
    if version.as_ref() == b"1.0" && is_known { Ok(()) } else { Err(Malformed) }
}

fn resolve<'a>(reference: &BytesRef) -> Result<Cow<'a, str>, Malformed> {
    if let Some(c) = reference.resolve_char_ref().map_err(|_| Malformed)? {
        return is_char(c).then(|| Cow::Owned(c.to_string())).ok_or(Malformed);
    }
    let name = reference.decode().map_err(|_| Malformed)?;
    resolve_xml_entity(&name).map(Cow::Borrowed).ok_or(Malformed)
}

/// A name without colons; those of S3 are plain.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c) || !c.is_ascii();
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
    starts && name.chars().all(plain)
}

/// XML's white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}

/// XML 1.0's Char production.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document in brackets: `a[b[x]c[]]`.
    fn read(body: &[u8]) -> Result<String, Malformed> {
        let mut document = Document::new(body)?;
        let mut read = String::new();
        while let Some(token) = document.next()? {
            match token {
                Token::Open(name) => read.push_str(&(name + "[")),
                Token::Text(text) => read.push_str(&text),
                Token::Close => read.push(']'),
            }
        }
        Ok(read)
    }

    #[track_caller]
    fn good(body: &str, wanted: &str) {
        assert_eq!(read(body.as_bytes()).as_deref(), Ok(wanted), "{body}");
    }

    #[track_caller]
    fn bad(body: &str) {
        assert_eq!(read(body.as_bytes()), Err(Malformed), "{body}");
    }

    #[test]
    fn documents_are_read() {
        good("<a/>", "a[]");
        good("<a><b>x</b><c/></a >", "a[b[x]c[]]");
        good("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>\n", "a[]");
        good("<?xml version='1.0' standalone='yes'?><a/>", "a[]");
        good("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>", "a[]");
        good(" \r\n\t<a/> ", "a[]");
        good("<!-- x --><a><!-- <b/> -->x<!----></a><!-- y -->", "a[x]");
        good("<a>&lt;&gt;&amp;&quot;&apos;&#34;&#x41;</a>", "a[<>&\"'\"A]");
        good("<a xmlns=\"u\" b='>'><c d=\"1\">é</c></a>", "a[c[é]]");
        good("<n:a xmlns:n=\"u\"><n:b/></n:a>", "a[b[]]");
    }

    #[test]
    fn what_parsers_read_differently_is_malformed() {
        for body in [
            "",
            " ",
            "x",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><a/>",
            "<a/>x",
            "x<a/>",
            "&amp;<a/>",
            "<a/>&amp;",
            "<a><b></a></b>",
            "<a b=1/>",
            "<a b/>",
            "<a b='<c/>'/>",
            "<a b='1' b='2'/>",
            "<a",
            "<a><![CDATA[x]]></a>",
            "<a><?x y?></a>",
            "<!DOCTYPE a><a/>",
            "<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>",
            "<a>&nbsp;</a>",
            "<a>&b;</a>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>&#xFFFF;</a>",
            "<a>&amp</a>",
            "<a>\u{1}</a>",
            "<a>\0</a>",
            "<a>\u{ffff}</a>",
            "<a><!-- -- --></a>",
            "<a><b:c/></a>",
            "<n:a><b/></n:a>",
            "<n:a><m:b/></n:a>",
            "<n:m:a/>",
            "<:a/>",
            "<n:/>",
            "<a/b/>",
            "<1/>",
            "<a><b xmlns=\"u\"/></a>",
            "<a><b xmlns:n=\"u\"/></a>",
            "<a><?xml version=\"1.0\"?></a>",
            " <?xml version=\"1.0\"?><a/>",
            "<!-- x --><?xml version=\"1.0\"?><a/>",
            "<?xml version=\"1.1\"?><a/>",
            "<?xml encoding=\"UTF-8\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-7\"?><a/>",
        ] {
            bad(body);
        }
        assert_eq!(read(b"<a>\xff</a>"), Err(Malformed));
        assert_eq!(read(b"\xff\xfe<\0a\0/\0>\0"), Err(Malformed));
    }

    #[test]
    fn texts_are_bounded() {
        let text = |len: usize| {
            let body = format!("<a>{}</a>", "&lt;".repeat(len));
            let mut document = Document::new(body.as_bytes()).unwrap();
            assert_eq!(document.child(), Ok(Some("a".into())));
            document.text()
        };
        assert_eq!(text(MAX_TEXT), Ok("<".repeat(MAX_TEXT)));
        assert_eq!(text(MAX_TEXT + 1), Err(Malformed));
    }

    #[test]
    fn documents_are_bounded() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
        bad(&nested(MAX_DEPTH + 1));
        let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
        assert!(read(wide(MAX_ELEMENTS).as_bytes()).is_ok());
        assert!(read(wide(MAX_ELEMENTS + 1).as_bytes()).is_err());
        let attributes = |count: usize| {
            let all: Vec<_> = (0..count).map(|i| format!(" a{i}=''")).collect();
            format!("<a{}/>", all.concat())
        };
        good(&attributes(MAX_ATTRIBUTES), "a[]");
        bad(&attributes(MAX_ATTRIBUTES + 1));
        bad(&attributes(100_000));
    }
}
