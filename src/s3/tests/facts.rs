//! What a head claims about its payload beside its digests.

use super::*;

#[test]
fn ciphertext_is_marked() {
    for name in [
        "x-amz-key",
        "x-amz-key-v2",
        "x-amz-iv",
        "x-amz-cek-alg",
        "x-amz-wrap-alg",
        "x-amz-matdesc",
        "x-amz-tag-len",
        "x-amz-unencrypted-content-length",
        "x-amz-3",
        "x-amz-c",
    ] {
        let name = format!("x-amz-meta-{name}");
        assert!(good("PUT /b/k", &[&format!("{name}: v")]).encrypted, "{name}");
        assert!(good("POST /b/k?uploads", &[&format!("{name}: v")]).encrypted, "{name}");
        let upper = name.to_ascii_uppercase();
        assert!(good(&format!("PUT /b/k?{upper}=v"), &[]).encrypted, "{name}");
        assert!(!good("GET /b/k", &[&format!("{name}: v")]).encrypted, "{name}");
        assert!(is_encryption_marker(&name));
    }
    for name in [
        "x-oss-meta-client-side-encryption-key",
        "x-cos-meta-client-side-encryption-start",
        "x-minio-replication-actual-object-size",
        "x-minio-replication-server-side-encryption-sealed-key",
        "x-minio-replication-server-side-encryption-iv",
        "x-minio-replication-encrypted-multipart",
        "x-minio-replication-ssec-crc",
    ] {
        assert!(good("PUT /b/k", &[&format!("{name}: v")]).encrypted, "{name}");
    }
    for name in [
        "x-amz-meta-key",
        "x-amz-meta-x-amz-other",
        "x-amz-meta-x-amz-crypto-instr-file",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-server-side-encryption-customer-key",
        "x-amz-server-side-encryption-aws-kms-key-id",
        "x-minio-source-etag",
    ] {
        assert!(!good("PUT /b/k", &[&format!("{name}: v")]).encrypted, "{name}");
    }
}

#[test]
fn replicas_are_marked() {
    for header in [
        "x-amz-replication-status: REPLICA",
        "x-minio-source-mtime: 1",
        "X-Minio-Source-Replication-Request: true",
    ] {
        for line in ["PUT /b/k", "PUT /b/k?partNumber=1&uploadId=U", "POST /b/k?uploads"] {
            assert!(good(line, &[header]).replica, "{line} {header}");
        }
        assert!(!good("DELETE /b/k", &[header]).replica);
    }
    assert!(!good("PUT /b/k", &["x-amz-meta-replication-status: REPLICA"]).replica);
    operation("PUT /b/k", &["x-amz-replication-status: REPLICA"], Operation::PutObject);
}

#[test]
fn codings_of_writes_are_read() {
    let streaming = "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    let coded = |line: &str, headers: &[&str]| good(line, headers).content_encoding;
    assert_eq!(coded("PUT /b/k", &[]), []);
    let gzip = [Coding::Gzip];
    assert_eq!(coded("PUT /b/k", &["content-encoding: gzip"]), gzip);
    for header in ["content-encoding: aws-chunked,gzip", "content-encoding: x-gzip, aws-chunked"] {
        assert_eq!(coded("PUT /b/k", &[streaming, header]), gzip);
    }
    let many = coded("POST /b/k?uploads", &["content-encoding: br, lzma, identity, zstd"]);
    assert_eq!(many, [Coding::Brotli, Coding::Unknown, Coding::Zstd]);
    assert_eq!(coded("GET /b/k", &["content-encoding: gzip"]), []);
}
