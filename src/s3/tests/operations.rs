use super::*;

#[test]
fn operations_of_the_service_and_of_buckets() {
    operation("GET /", &[], Operation::ListBuckets);
    operation("GET /?x-id=ListBuckets", &[], Operation::ListBuckets);
    operation("GET /b", &[], Operation::ListObjects);
    operation("GET /b/?prefix=a", &[], Operation::ListObjects);
    operation("GET /b?list-type=2&prefix=", &[], Operation::ListObjectsV2);
    operation("GET /b?versions", &[], Operation::ListObjectVersions);
    operation("GET /b?uploads", &[], Operation::ListMultipartUploads);
    operation("GET /b?policy", &[], Operation::BucketSubresource);
    operation("HEAD /b", &[], Operation::HeadBucket);
    operation("PUT /b", &[], Operation::CreateBucket);
    operation("PUT /b/?versioning", &[], Operation::BucketSubresource);
    operation("DELETE /b", &[], Operation::DeleteBucket);
    operation("DELETE /b?cors", &[], Operation::BucketSubresource);
    operation("POST /b?delete", &[], Operation::DeleteObjects);
    operation("POST /b?policy", &[], Operation::BucketSubresource);
    operation("POST /b", &[], Operation::Other);
    operation("POST /", &[], Operation::Other);
    operation("PUT /", &[], Operation::Other);
    operation("OPTIONS /b/k", &[], Operation::Options);
}

#[test]
fn operations_on_objects() {
    operation("GET /b/k?partNumber=1", &[], Operation::GetObject);
    operation("GET /b/k", &["range: bytes=0-1"], Operation::GetObject);
    operation("GET /b/k?uploadId=U", &[], Operation::ListParts);
    operation("GET /b/k?tagging", &[], Operation::ObjectSubresource);
    operation("HEAD /b/k", &[], Operation::HeadObject);
    operation("DELETE /b/k?versionId=1", &[], Operation::DeleteObject);
    operation("DELETE /b/k?uploadId=U", &[], Operation::AbortMultipartUpload);
    operation("DELETE /b/k?tagging", &[], Operation::ObjectSubresource);
    operation("PUT /b/k?x-id=PutObject", &[], Operation::PutObject);
    operation("PUT /b/k?policy", &[], Operation::PutObject);
    operation("PUT /b/k?acl", &[], Operation::ObjectSubresource);
    operation("PUT /b/k?annotation&annotationName=n", &[], Operation::PutObjectAnnotation);
    operation("PUT /b/k?renameObject", &["x-amz-rename-source: a"], Operation::RenameObject);
    operation("POST /b/k?select&select-type=2", &[], Operation::SelectObjectContent);
    operation("POST /b/k?restore", &[], Operation::RestoreObject);
    operation("POST /b/k?uploads", &[], Operation::CreateMultipartUpload);
    operation("POST /b/k?uploads=", &[], Operation::CreateMultipartUpload);
    operation("POST /b/k?uploadId=U", &[], Operation::CompleteMultipartUpload);
    operation("POST /b/k?tagging", &[], Operation::ObjectSubresource);
    operation("POST /b/k", &[], Operation::Other);
}

#[test]
fn parts_are_addressed_whole() {
    let part = good("PUT /b/k?partNumber=7&uploadId=a%2Fb", &[]);
    assert_eq!(part.operation, Operation::UploadPart);
    assert_eq!((part.part_number, part.upload_id.as_deref()), (Some(7), Some("a/b")));
    let encoded = good("PUT /b/k?part%4eumber=99999&%75ploadId=U", &[]);
    assert_eq!((encoded.operation, encoded.part_number), (Operation::UploadPart, Some(99999)));
    for number in ["", "0", "01", "-1", "+1", "1.0", "a", "100000", "%31", "1%20", "１"] {
        let line = format!("PUT /b/k?partNumber={number}&uploadId=U");
        refused(&line, &[], Refusal::PartNumber);
        let line = format!("POST /b/k?partNumber={number}&uploadId=U");
        refused(&line, &[], Refusal::PartNumber);
    }
    refused("PUT /b/k?partNumber=1", &[], Refusal::PartAddress);
    refused("PUT /b/k?uploadId=U", &[], Refusal::PartAddress);
    refused("PUT /b/k?uploadId=&partNumber=1", &[], Refusal::PartAddress);
    refused("POST /b/k?uploadId=", &[], Refusal::PartAddress);
}

#[test]
fn appends_are_recognised_in_every_dialect() {
    for (line, header) in [
        ("PUT /b/k?append&position=3", "a: b"),
        ("POST /b/k?append&position=0", "a: b"),
        ("PUT /b/k?modify&position=3", "a: b"),
        ("PUT /b/k", "x-amz-write-offset-bytes: 0"),
        ("PUT /b/k?x-amz-write-offset-bytes=0", "a: b"),
        ("PUT /b/k", "range: bytes=-1-"),
        ("POST /b/k", "range: bytes=0-"),
        ("PUT /b/k", "content-range: bytes 0-1/*"),
        ("PUT /k", "content-range: bytes 0-1/*"),
    ] {
        operation(line, &[header], Operation::AppendObject);
    }
}

/// A head for each operation of which a write can be only one.
const MARKS: [(&str, &str, Operation); 12] = [
    ("partNumber=1&uploadId=U", "a: b", Operation::UploadPart),
    ("a", "x-amz-copy-source: a/b", Operation::CopyObject),
    ("compose", "a: b", Operation::ComposeObject),
    ("a", "x-goog-resumable: start", Operation::StartResumableUpload),
    ("upload_id=U", "a: b", Operation::ResumableUpload),
    ("append", "a: b", Operation::AppendObject),
    ("a", "range: bytes=-1-", Operation::AppendObject),
    ("a", "x-amz-meta-snowball-auto-extract: true", Operation::PutObjectExtract),
    ("extract-archive=tar", "a: b", Operation::SwiftExtract),
    ("a", "x-copy-from: a/b", Operation::SwiftCopy),
    ("a", "x-object-manifest: a/b", Operation::SwiftManifest),
    ("multipart-manifest=put", "a: b", Operation::SwiftManifest),
];

#[test]
fn two_operations_in_one_are_refused() {
    for (i, (query, header, what)) in MARKS.into_iter().enumerate() {
        operation(&format!("PUT /b/k?{query}"), &[header], what);
        for (other_query, other_header, other) in MARKS.into_iter().skip(i + 1) {
            let line =
                format!("PUT /b/k?{query}&{other_query}").replace("a&", "").replace("&a&", "&");
            let headers = [header, other_header];
            match (what, other) {
                (Operation::UploadPart, Operation::CopyObject) => {
                    operation(&line, &headers, Operation::UploadPartCopy);
                }
                (a, b) if a == b => operation(&line, &headers, what),
                _ => refused(&line, &headers, Refusal::MixedOperation),
            }
        }
    }
    let copied_part = ("partNumber=1&uploadId=U", "x-amz-copy-source: a/b");
    for (query, header, _) in MARKS.into_iter().skip(2) {
        let line = format!("PUT /b/k?{}&{query}", copied_part.0);
        refused(&line, &[copied_part.1, header], Refusal::MixedOperation);
    }
    for (line, header) in [
        ("POST /b/k?uploads&uploadId=U", "a: b"),
        ("POST /b/k?uploads&append", "a: b"),
        ("POST /b/k?uploads", "x-goog-resumable: start"),
        ("POST /b/k?upload_id=U&append", "a: b"),
        ("POST /b/k?uploadId=U&extract-archive=tar", "a: b"),
        ("POST /b?append", "content-type: multipart/form-data; boundary=x"),
        ("POST /b?uploads", "content-type: multipart/form-data; boundary=x"),
        ("POST /b?uploadId=U", "content-type: multipart/form-data; boundary=x"),
        ("POST /b?upload_id=U", "content-type: multipart/form-data; boundary=x"),
        ("POST /b?replication", "content-type: multipart/form-data; boundary=x"),
        ("PUT /b?replication&append", "a: b"),
        ("PUT /k?inventory", "x-amz-copy-source: a/b"),
    ] {
        refused(line, &[header], Refusal::MixedOperation);
    }
}

#[test]
fn forms_are_recognised_by_their_type() {
    for form in ["multipart/form-data; boundary=x", "Multipart/Form-Data", "a, multipart/form-data"]
    {
        let form = format!("content-type: {form}");
        operation("POST /b", &[&form], Operation::PostObject);
        operation("POST /b/", &[&form], Operation::PostObject);
        operation("POST /b?delete", &[&form], Operation::PostObject);
        operation("POST /b/k", &[&form], Operation::PostObject);
        operation("POST /b/k?select", &[&form], Operation::PostObject);
        operation("POST /b/k?uploads", &[&form], Operation::CreateMultipartUpload);
        operation("PUT /b/k", &[&form], Operation::PutObject);
    }
    operation("POST /b", &["content-type: application/xml"], Operation::Other);
}

#[test]
fn archives_are_recognised_by_the_end_of_the_name() {
    for name in ["x-amz-meta-snowball-auto-extract", "x-amz-snowball-auto-extract"] {
        let header = format!("{name}: xtrue");
        operation("PUT /b/k", &[&header], Operation::PutObjectExtract);
    }
    assert_eq!(Operation::PutObjectExtract.shape(), BodyShape::Archive);
}

#[test]
fn shapes_and_names_are_stable() {
    let names: std::collections::BTreeSet<_> = Operation::ALL.iter().map(|o| o.name()).collect();
    assert_eq!(names.len(), Operation::ALL.len());
    for (operation, shape) in [
        (Operation::PutObject, BodyShape::Object),
        (Operation::Other, BodyShape::Object),
        (Operation::ComposeObject, BodyShape::Compose),
        (Operation::StartResumableUpload, BodyShape::Control),
        (Operation::ResumableUpload, BodyShape::Resumable),
        (Operation::Swift, BodyShape::Swift),
        (Operation::SwiftManifest, BodyShape::Manifest),
        (Operation::SwiftExtract, BodyShape::Archive),
        (Operation::SwiftCopy, BodyShape::Copy),
        (Operation::JsonApi, BodyShape::Envelope),
        (Operation::StoreJob, BodyShape::Job),
        (Operation::StoreAdmin, BodyShape::Job),
        (Operation::OtherMethod, BodyShape::Unknown),
        (Operation::UploadPart, BodyShape::Part),
        (Operation::UploadPartCopy, BodyShape::Copy),
        (Operation::CopyObject, BodyShape::Copy),
        (Operation::AppendObject, BodyShape::Append),
        (Operation::PostObject, BodyShape::Form),
        (Operation::CompleteMultipartUpload, BodyShape::Control),
    ] {
        assert_eq!(operation.shape(), shape, "{}", operation.name());
    }
}
