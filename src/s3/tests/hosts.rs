use super::*;

fn surface() -> Surface {
    Surface::default().with_domains(["S3.example.org", "store.test"]).unwrap()
}

#[track_caller]
fn addressed(host: &str, path: &str, bucket: Option<&str>, key: Option<&str>) {
    let read = read_on(&surface(), &format!("PUT {path}"), &[&format!("host: {host}")]);
    let read = read.unwrap_or_else(|r| panic!("{host} {path}: {r:?}"));
    assert_eq!((read.bucket.as_deref(), read.key.as_deref()), (bucket, key), "{host} {path}");
}

#[test]
fn a_host_below_a_domain_names_the_bucket() {
    for host in ["b.s3.example.org", "b.s3.example.org:9000", "b.s3.example.org:"] {
        addressed(host, "/k", Some("b"), Some("k"));
        addressed(host, "/a/k", Some("b"), Some("a/k"));
        addressed(host, "/", Some("b"), None);
        addressed(host, "//b%2Fc/../../d", Some("b"), Some("/b/c/../../d"));
    }
    addressed("my.bucket-1_x.store.test", "/k", Some("my.bucket-1_x"), Some("k"));
    addressed("s3.example.org.store.test", "/k", Some("s3.example.org"), Some("k"));
    let get = read_on(&surface(), "GET /?list-type=2", &["host: b.store.test"]).unwrap();
    assert_eq!((get.operation, get.bucket.as_deref()), (Operation::ListObjectsV2, Some("b")));
    let create = read_on(&surface(), "PUT /", &["host: b.store.test"]).unwrap();
    assert_eq!(create.operation, Operation::CreateBucket);
    assert!(!create.dots_leave_bucket);
    // Its paths lead to no other protocol.
    for path in ["/swift/v1/c/o", "/minio/admin/v3/x", "/upload/storage/v1/b"] {
        let put = read_on(&surface(), &format!("PUT {path}"), &["host: b.store.test"]).unwrap();
        assert_eq!(put.operation, Operation::PutObject);
    }
    let odd = read_on(&surface(), "PUT /%zz", &["host: b.store.test"]);
    assert_eq!(odd, Err(Refusal::PercentEscape));
}

#[test]
fn other_names_of_the_gate_are_in_path_style() {
    for host in [
        "s3.example.org",
        "S3.Example.ORG:443",
        "store.test",
        "127.0.0.1",
        "127.0.0.1:9000",
        "[::1]",
        "[::1]:9000",
        "localhost:9000",
        "gate_1",
    ] {
        addressed(host, "/b/k", Some("b"), Some("k"));
    }
}

#[test]
fn a_host_that_could_name_a_bucket_is_refused_on_writes() {
    for host in [
        "b.example.org",
        "example.org",
        "xs3.example.org",
        "photos.example.com",
        "127.1",
        "127.0.0.1.example.com",
        "store.test.",
        "b.store.test.",
        "B.store.test",
        "b.Store.test",
        ".store.test",
        "b..store.test",
        "b!.store.test",
        "a@b.store.test",
        "b.store.test:x",
        "b.store.test:123456",
        "b.store.test:1:2",
        "::1",
        "[::1",
        "[::1]x",
        "[b.store.test]",
        "b.störe.test",
        "a b",
    ] {
        let host = format!("host: {host}");
        assert_eq!(read_on(&surface(), "PUT /b/k", &[&host]), Err(Refusal::Host), "{host}");
        assert_eq!(
            read_on(&surface(), "POST /b/k?uploads", &[&host]),
            Err(Refusal::Host),
            "{host}"
        );
        let read = read_on(&surface(), "GET /b/k", &[&host]).unwrap();
        assert_eq!(read.bucket.as_deref(), Some("b"), "{host}");
        with_head("PUT /b/k?uploads&uploads", &[&host], |head| {
            assert_eq!(surface().unclear(head, Refusal::QueryKey), None, "{host}");
        });
        // Without domains the host is nothing to go by.
        assert!(read_on(&Surface::default(), "PUT /b/k", &[&host]).is_ok(), "{host}");
    }
}

#[test]
fn an_unclear_write_keeps_its_hosts_bucket() {
    with_head("PUT /../k?uploads&uploads", &["host: b.store.test"], |head| {
        let request = surface().unclear(head, Refusal::QueryKey).unwrap();
        assert_eq!((request.bucket.as_deref(), request.key.as_deref()), (Some("b"), Some("../k")));
    });
}

#[test]
fn domains_are_host_names_apart() {
    let with = |domains: &[&str]| Surface::default().with_domains(domains.iter().copied());
    assert!(with(&["a.b", "xa.b", "c"]).is_ok());
    assert_eq!(with(&[]).unwrap(), Surface::default());
    for domain in ["", ".", ".a", "a.", "a..b", "a b", "a:80", "*.a", "127.0.0.1", "[::1]", "é"] {
        assert_eq!(with(&[domain]), Err(SurfaceError::Domain(domain.into())), "{domain}");
    }
    for (domains, inner, outer) in
        [(["a.b", "b"], "a.b", "b"), (["b", "A.b"], "a.b", "b"), (["b", "B"], "b", "b")]
    {
        assert_eq!(with(&domains), Err(SurfaceError::Nested(inner.into(), outer.into())));
    }
}

#[test]
fn a_host_or_an_alias_that_stands_for_a_bucket_is_that_bucket() {
    const POINT: &str = "photos-123456789012.s3-accesspoint.eu-west-1.amazonaws.com";
    let host = format!("{POINT}=photos");
    let bare = Surface::default().with_hosts([host.as_str()]).unwrap();
    let bare = bare.with_aliases(["photos-x1-s3alias=photos"]).unwrap();
    let with_domains = bare.clone().with_domains(["store.test"]).unwrap();
    for surface in [&bare, &with_domains] {
        for (host, path, key) in [
            (POINT.to_owned(), "/a/k", "a/k"),
            (format!("{}:443", POINT.to_uppercase()), "/a/k", "a/k"),
            ("store.test".to_owned(), "/photos-x1-s3alias/k", "k"),
            ("store.test".to_owned(), "/photos/k", "k"),
        ] {
            let read = read_on(surface, &format!("PUT {path}"), &[&format!("host: {host}")]);
            let read = read.unwrap();
            let found = (read.bucket.as_deref(), read.key.as_deref());
            assert_eq!(found, (Some("photos"), Some(key)), "{host} {path}");
        }
    }
    let below = ["host: photos-x1-s3alias.store.test", "x-amz-copy-source: photos-x1-s3alias/k"];
    let copy = read_on(&with_domains, "PUT /k", &below).unwrap();
    assert_eq!(copy.bucket.as_deref(), Some("photos"));
    assert_eq!(copy.copy_source.unwrap().bucket, "photos");
    // Another access point is no bucket that anybody told of.
    let other = format!("host: other-{POINT}");
    assert_eq!(read_on(&with_domains, "PUT /k", &[&other]), Err(Refusal::Host));
}

#[test]
fn a_name_stands_for_one_bucket() {
    for pair in ["", "a", "=", "a=", "=b", "A=b", "a=B", "a:80=b", "a=b=c", "a/b=c"] {
        let hosts = Surface::default().with_hosts([pair]);
        assert_eq!(hosts, Err(SurfaceError::Pair(pair.into())), "{pair}");
        assert_eq!(Surface::default().with_aliases([pair]), hosts, "{pair}");
    }
    let twice = Surface::default().with_aliases(["a=b", "a=c"]);
    assert_eq!(twice, Err(SurfaceError::Twice("a".into())));
}

/// What is not refused on reads and deletes, since nothing comes in, is told.
#[test]
fn whether_every_store_finds_the_same_bucket_is_told() {
    let plain = |host: &str, line: &str| {
        let read = read_on(&surface(), line, &[&format!("host: {host}")]);
        let read = read.unwrap_or_else(|refusal| panic!("{line}: {refusal:?}"));
        (read.bucket_is_plain, read.bucket_in_host)
    };
    for line in ["GET /", "GET /b", "GET /b/", "DELETE /b//k%2F..", "GET /b/%zz", "PUT /b/k"] {
        assert_eq!(plain("store.test", line), (true, false), "{line}");
    }
    for line in ["GET //b/k", "DELETE /b%2Fk", "GET /%2Fb", "DELETE /b/../c/k", "GET /b%zz"] {
        assert_eq!(plain("store.test", line), (false, false), "{line}");
        assert_eq!(plain("other.test", line), (false, false), "{line}");
        assert_eq!(plain("b.store.test", line), (true, true), "{line}");
    }
    assert_eq!(plain("store.test", "PUT /b/../c/k"), (false, false));
}
