//! Against the demo's store, and against a socket that answers what it likes.

use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::testing::{PATIENCE, Store};
use super::*;

fn object<'a>(key: &'a str) -> ObjectName<'a> {
    ObjectName { bucket: "photos", key: key.as_bytes(), version: None }
}

async fn all(mut download: Download) -> Result<Vec<u8>, AccessError> {
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await? {
        bytes.extend_from_slice(&piece);
    }
    assert_eq!(download.size, bytes.len() as u64);
    Ok(bytes)
}

#[tokio::test]
async fn objects_are_looked_at_and_read() {
    let store = Store::start(&["photos"]).await;
    // Names that a signature must spell as the store does.
    let keys = ["plain.jpg", "a b/ü+%2F&=;'()*!~,:@$.jpg"];
    let access = OwnAccess::new(&store.account(), PATIENCE).unwrap();
    for key in keys {
        let file = store.folder().join("photos").join(key);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "0123456789").unwrap();
        let facts = access.head(object(key)).await.unwrap();
        assert_eq!(facts.size, 10, "{key}");
        let whole = access.read_range(object(key), None, facts.etag.as_deref()).await.unwrap();
        assert_eq!(whole.facts.size, 10);
        assert_eq!(all(whole).await.unwrap(), b"0123456789");
        let some = access.read_range(object(key), Some(2..5), None).await.unwrap();
        assert_eq!((some.facts.size, some.size), (10, 3));
        assert_eq!(all(some).await.unwrap(), b"234");
    }
}

#[tokio::test]
async fn what_is_not_given_says_why() {
    let store = Store::start(&["photos"]).await;
    std::fs::write(store.folder().join("photos/a"), "0123456789").unwrap();
    let access = OwnAccess::new(&store.account(), PATIENCE).unwrap();
    assert!(matches!(access.head(object("b")).await, Err(AccessError::NotFound)));
    assert!(matches!(access.read_range(object("b"), None, None).await, Err(AccessError::NotFound)));
    for range in [5..5, std::ops::Range { start: 6, end: 5 }] {
        let none = access.read_range(object("a"), Some(range), None).await;
        assert!(matches!(none, Err(AccessError::Range)));
    }
    for key in ["", ".", "..", "a/../b", "./a"] {
        assert!(matches!(access.head(object(key)).await, Err(AccessError::Unnameable)), "{key}");
    }
    let stranger = Account { access_key: "stranger".into(), ..store.account() };
    let stranger = OwnAccess::new(&stranger, PATIENCE).unwrap();
    assert!(matches!(stranger.head(object("a")).await, Err(AccessError::Forbidden)));
    let nobody = Account { endpoint: "http://127.0.0.1:1".into(), ..store.account() };
    let nobody = OwnAccess::new(&nobody, PATIENCE).unwrap();
    let refused = nobody.head(object("a")).await.unwrap_err();
    assert!(
        matches!(&refused, AccessError::Unreachable(why) if why.contains("refused")),
        "{refused}"
    );
}

#[tokio::test]
async fn uploads_are_aborted() {
    let store = Store::start(&["photos"]).await;
    let s3 = AmazonS3Builder::new()
        .with_http_connector(Transport::new(&store.account(), PATIENCE).unwrap())
        .with_endpoint(store.account().endpoint)
        .with_allow_http(true)
        .with_bucket_name("photos")
        .with_access_key_id(store.account().access_key)
        .with_secret_access_key(store.account().secret_key)
        .build()
        .unwrap();
    let key = Path::from("a/b");
    let id = s3.create_multipart(&key).await.unwrap();
    let access = OwnAccess::new(&store.account(), PATIENCE).unwrap();
    access.abort_multipart("photos", b"a/b", &id).await.unwrap();
    assert!(s3.put_part(&key, &id, 0, "x".into()).await.is_err());
    // This store says 403 of an upload that is gone; others say what S3 says.
    let gone = "HTTP/1.1 404 NoSuchUpload\r\nContent-Length: 0\r\n\r\n";
    let (access, asked) = answering(&[gone]).await;
    access.abort_multipart("photos", b"a/b", "1+2/3=").await.unwrap();
    let asked = asked.await.unwrap().remove(0);
    assert!(asked.starts_with("DELETE /photos/a/b?uploadId=1%2B2%2F3%3D HTTP/1.1"), "{asked}");
}

/// A store that gives one fixed answer to each of so many connections, then says what it was asked.
async fn answering(answers: &[&'static str]) -> (OwnAccess, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let account = Account {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        region: "r".into(),
        access_key: "a".into(),
        secret_key: "s".into(),
        authorities: None,
    };
    let answers = answers.to_vec();
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            asked.push(String::from_utf8(head).unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        asked
    });
    (OwnAccess::new(&account, PATIENCE).unwrap(), asked)
}

#[tokio::test]
async fn answers_that_make_no_sense_are_no_objects() {
    let range = Some(2..5);
    let cases = [
        // A store that ignores ranges.
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n234", range.clone()),
        ("HTTP/1.1 206 P\r\nContent-Length: 3\r\n\r\n234", range.clone()),
        (
            "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 3-5/9\r\n\r\n234",
            range.clone(),
        ),
        (
            "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 2-3/9\r\n\r\n23",
            range.clone(),
        ),
        (
            "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/*\r\n\r\n234",
            range.clone(),
        ),
        (
            "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 2-4/9\r\n\r\n23",
            range.clone(),
        ),
        (
            "HTTP/1.1 206 P\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/9\r\n\r\n23",
            range.clone(),
        ),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n234", None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n234", None),
        ("HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", None),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", None),
    ];
    for (answer, range) in cases {
        let (access, _) = answering(&[answer]).await;
        let read = match access.read_range(object("a"), range, None).await {
            Ok(download) => all(download).await,
            Err(error) => Err(error),
        };
        assert!(read.is_err(), "{answer}");
    }
    let short = "HTTP/1.1 206 P\r\nContent-Length: 2\r\nContent-Range: bytes 2-3/4\r\n\r\n23";
    let (access, _) = answering(&[short]).await;
    let clipped = access.read_range(object("a"), range, None).await.unwrap();
    assert_eq!(all(clipped).await.unwrap(), b"23", "a range beyond the end is cut, and says so");
}

#[tokio::test]
async fn a_version_an_etag_and_a_range_are_asked_for() {
    let answer = "HTTP/1.1 412 Changed\r\nContent-Length: 0\r\n\r\n";
    let (access, asked) = answering(&[answer]).await;
    let version = ObjectName { version: Some("3/L+4="), ..object("//ä") };
    let changed = access.read_range(version, Some(0..1), Some("\"abc\"")).await;
    assert!(matches!(changed, Err(AccessError::Changed)));
    let asked = asked.await.unwrap().remove(0).to_ascii_lowercase();
    assert!(
        asked.starts_with("get /photos///%c3%a4?versionid=3%2fl%2b4%3d http/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("\r\nrange: bytes=0-0\r\n") && asked.contains("\r\nif-match: \"abc\"\r\n")
    );
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_once_more() {
    let answer =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\nx-amz-version-id: v\r\n\r\n";
    let (access, _) = answering(&["", answer]).await;
    let facts = access.head(object("a")).await.unwrap();
    let expected = ObjectFacts { size: 5, etag: Some("\"e\"".into()), version: Some("v".into()) };
    assert_eq!(facts, expected);
    let (access, _) = answering(&["", ""]).await;
    assert!(matches!(access.head(object("a")).await, Err(AccessError::Unreachable(_))));
}

#[tokio::test]
async fn a_store_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = Store::start(&[]).await;
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let silent = Account { endpoint, ..store.account() };
    let access = OwnAccess::new(&silent, Duration::from_millis(50)).unwrap();
    assert!(matches!(access.head(object("a")).await, Err(AccessError::Timeout(_))));
}

/// A server with a certificate of its own making answers one request. Gives that certificate's file.
async fn over_tls(folder: &std::path::Path) -> (Account, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let file = folder.join("authority.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        stream.read_u8().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.unwrap();
        // The client closes first; a close from here could overtake the answer.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let account = Account {
        endpoint,
        region: "r".into(),
        access_key: "a".into(),
        secret_key: "s".into(),
        authorities: Some(file.clone()),
    };
    (account, file)
}

#[tokio::test]
async fn a_certificate_counts_if_the_named_authorities_gave_it() {
    let folder = tempfile::tempdir().unwrap();
    let (account, _) = over_tls(folder.path()).await;
    let access = OwnAccess::new(&account, PATIENCE).unwrap();
    assert_eq!(access.head(object("a")).await.unwrap().size, 5);
    let (account, _) = over_tls(folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    let (_, strange) = over_tls(other.path()).await;
    let account = Account { authorities: Some(strange), ..account };
    let access = OwnAccess::new(&account, PATIENCE).unwrap();
    let refused = access.head(object("a")).await;
    assert!(
        matches!(&refused, Err(AccessError::Unreachable(why)) if why.contains("certificate")),
        "{refused:?}"
    );
    for text in ["", "no certificate"] {
        let file = folder.path().join("none.pem");
        std::fs::write(&file, text).unwrap();
        let account = Account { authorities: Some(file), ..account.clone() };
        assert!(matches!(OwnAccess::new(&account, PATIENCE), Err(AccountError::Authorities(_))));
    }
}
