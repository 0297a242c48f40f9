//! The ways of other protocols and dialects that share a port with S3.

use super::*;

const FORM: &str = "content-type: multipart/form-data; boundary=x";

#[test]
fn swift_has_its_own_operations() {
    for path in ["/swift", "/swift/", "/swift/v1/c/o", "/swift/v1/AUTH_a/c", "/%73wift/v1/c/o"] {
        for method in ["GET", "HEAD", "DELETE", "PUT", "POST"] {
            operation(&format!("{method} {path}"), &[], Operation::Swift);
        }
        operation(&format!("POST {path}"), &[FORM], Operation::Swift);
        operation(&format!("PUT {path}?append"), &[], Operation::Swift);
        operation(&format!("PUT {path}"), &["x-amz-copy-source: a/b"], Operation::Swift);
        operation(&format!("PUT {path}?partNumber=1&uploadId=U"), &[], Operation::Swift);
        operation(&format!("OPTIONS {path}"), &[], Operation::Options);
    }
    for path in ["/swift/v1/c/o", "/v1/c/o"] {
        let manifest = ["x-object-manifest: c/o_"];
        operation(&format!("PUT {path}"), &manifest, Operation::SwiftManifest);
        let line = format!("PUT {path}?multipart-manifest=put");
        operation(&line, &[], Operation::SwiftManifest);
        for archive in ["tar", "tar.gz", "tar.bz2", ""] {
            let line = format!("PUT {path}?extract-archive={archive}");
            operation(&line, &[], Operation::SwiftExtract);
        }
        operation(&format!("PUT {path}"), &["x-copy-from: /c/o"], Operation::SwiftCopy);
        operation(
            &format!("GET {path}?multipart-manifest=get"),
            &[],
            match path {
                "/v1/c/o" => Operation::GetObject,
                _ => Operation::Swift,
            },
        );
    }
    for path in ["/swifty/k", "/Swift/k", "/b/swift", "/v1/c/o", "//swift"] {
        assert!(!good(&format!("GET {path}"), &[]).operation.is_swift(), "{path}");
    }
    let request = good("PUT /swift/v1/c/o", &[]);
    assert_eq!(
        (request.bucket.as_deref(), request.key.as_deref()),
        (Some("swift"), Some("v1/c/o"))
    );
    assert!(!request.operation.names_bucket() && Operation::PutObject.names_bucket());
    for header in ["x-object-manifest: a", "x-copy-from: a"] {
        refused("PUT /swift/v1/c/o", &[header, header], Refusal::DuplicateS3Header);
    }
    refused("PUT /swift/v1/c/o", &["x_object_manifest: a"], Refusal::UnderscoreS3Twin);
}

#[test]
fn the_swift_prefix_is_configured() {
    let read = |prefix: Option<&str>, path: &str| {
        let surface = Surface::default().with_swift_prefix(prefix).unwrap();
        read_on(&surface, &format!("PUT {path}"), &["host: store"]).unwrap().operation
    };
    assert_eq!(read(Some("/api.v1"), "/api.v1/c/o"), Operation::Swift);
    assert_eq!(read(Some("sw"), "/sw/c/o"), Operation::Swift);
    assert_eq!(read(Some("sw"), "/swift/c/o"), Operation::PutObject);
    assert_eq!(read(None, "/swift/c/o"), Operation::PutObject);
    for prefix in ["", "/", "a/b", "/a/", "//a", ".", "..", "a%20", "é", " a"] {
        let error = Surface::default().with_swift_prefix(Some(prefix)).unwrap_err();
        assert_eq!(error, SurfaceError::SwiftPrefix(prefix.to_owned()));
    }
}

#[test]
fn google_uploads_in_its_own_ways() {
    operation("POST /b/k", &["x-goog-resumable: start"], Operation::StartResumableUpload);
    operation("PUT /b/k", &["x-goog-resumable: start"], Operation::StartResumableUpload);
    for range in ["content-range: bytes 0-1/*", "content-range: bytes */*", "a: b"] {
        operation("PUT /b/k?upload_id=U", &[range], Operation::ResumableUpload);
        operation("POST /b/k?upload_id=U", &[range], Operation::ResumableUpload);
    }
    operation("PUT /b/k?upload_id=U&x=1", &[], Operation::ResumableUpload);
    operation("PUT /b/k?compose", &[], Operation::ComposeObject);
    operation("PUT /b/k?compose=", &[], Operation::ComposeObject);
    operation("GET /b/k?upload_id=U", &[], Operation::GetObject);
    for path in [
        "/upload/storage/v1/b/B/o?uploadType=media&name=k",
        "/resumable/upload/storage/v1/b/B/o",
        "/storage/v1/b/B/o/k/compose",
        "/storage/v1/b?project=p",
        "/storage/v1/projects/p",
        "/batch/storage/v1",
        "/upload/%73torage/v1/b",
    ] {
        for method in ["GET", "PUT", "POST", "DELETE"] {
            operation(&format!("{method} {path}"), &[], Operation::JsonApi);
        }
    }
    operation("PUT /upload/storage/v2/b", &[], Operation::PutObject);
    operation("PUT /upload/k", &[], Operation::PutObject);
    operation("PUT /storage/v1/k", &[], Operation::PutObject);
}

#[test]
fn archives_are_recognised_in_headers_and_queries() {
    for name in [
        "X-Amz-Meta-Snowball-Auto-Extract",
        "x-amz-snowball-auto-extract",
        "x-y-snowball-auto-extract",
    ] {
        let header = format!("{name}: true");
        operation("PUT /b/k", &[&header], Operation::PutObjectExtract);
        operation(&format!("PUT /b/k?{name}=true"), &[], Operation::PutObjectExtract);
    }
    let create = good("POST /b/k?uploads", &["x-amz-meta-snowball-auto-extract: true"]);
    assert_eq!(create.operation, Operation::CreateMultipartUpload);
}

#[test]
fn settings_that_make_the_store_write_are_told_apart() {
    for setting in ["replication", "replication-reset", "inventory&id=a", "logging", "analytics"] {
        operation(&format!("PUT /b?{setting}"), &[], Operation::StoreJob);
        operation(&format!("POST /b/?{setting}"), &[], Operation::StoreJob);
        operation(&format!("GET /b?{setting}"), &[], Operation::BucketSubresource);
        operation(&format!("DELETE /b?{setting}"), &[], Operation::BucketSubresource);
        operation(&format!("PUT /b/k?{setting}"), &[], Operation::PutObject);
    }
    for setting in ["policy", "lifecycle", "notification", "website"] {
        operation(&format!("PUT /b?{setting}"), &[], Operation::BucketSubresource);
    }
}

#[test]
fn administration_has_its_paths() {
    for path in [
        "/minio/admin/v3/start-job",
        "/minio/kms/v1/key/create",
        "/minio/storage/d1/v63/createfile",
        "/minio/grid/v1",
        "/%6dinio/admin/v3/x",
        "/admin/user?uid=a",
        "/admin/bucket/",
        "/admin/metadata/user",
        "/admin/realm/period",
        "/admin/log?type=data",
        "/v20180820/jobs",
    ] {
        for method in ["GET", "PUT", "POST", "DELETE"] {
            operation(&format!("{method} {path}"), &[], Operation::StoreAdmin);
        }
    }
    for path in ["/minio/k", "/minio/admin", "/admin/k", "/admin/user/photo.jpg", "/v20180820"] {
        assert_ne!(good(&format!("PUT {path}"), &[]).operation, Operation::StoreAdmin, "{path}");
    }
}

#[test]
fn keys_of_ceph_zones_are_told() {
    for query in ["rgwx-zonegroup=z", "RGWX-uid=u", "a=1&rgwx%2duid=u"] {
        assert!(good(&format!("PUT /b/k?{query}"), &[]).system, "{query}");
        assert!(good(&format!("GET /b/k?{query}"), &[]).system, "{query}");
    }
    for query in ["rgw-x=1", "a=rgwx-uid", "xrgwx-a"] {
        assert!(!good(&format!("PUT /b/k?{query}"), &[]).system, "{query}");
    }
    operation("PUT /b/k?rgwx-uid=u&partNumber=1&uploadId=U", &[], Operation::UploadPart);
}

#[test]
fn other_methods_can_be_let_through() {
    let surface = Surface::default().with_other_methods(true);
    for method in ["PATCH", "COPY", "MOVE", "MKCOL", "PROPFIND", "put", "P"] {
        let line = format!("{method} /b/k");
        let headers = ["host: store", "content-length: 5"];
        let request = read_on(&surface, &line, &headers).unwrap();
        assert_eq!(request.operation, Operation::OtherMethod);
        assert_eq!(request.body, BodyPlan::Identity { length: Some(5) });
        assert_eq!(read_on(&Surface::default(), &line, &headers), Err(Refusal::Method));
        // The rules of writes hold for them.
        let twice = format!("{line}?uploadId=a&uploadId=b");
        assert_eq!(read_on(&surface, &twice, &headers), Err(Refusal::QueryKey));
    }
    assert_eq!(read_on(&surface, "TRACE /", &["host: store"]), Err(Refusal::Tunnel));
}
