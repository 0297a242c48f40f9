use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use rustls::crypto::aws_lc_rs::default_provider;

use super::*;

const ALL: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

/// Makes a certificate for some names and reads it.
fn certificate(
    directory: &Path,
    file: &str,
    names: &[&str],
    kind: &'static SignatureAlgorithm,
) -> Certificate {
    let key = KeyPair::generate_for(kind).unwrap();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let (certificate, secret) = (directory.join(file), directory.join("key"));
    std::fs::write(&certificate, made.pem()).unwrap();
    std::fs::write(&secret, key.serialize_pem()).unwrap();
    Certificate::read(&certificate, &secret, &default_provider()).unwrap()
}

#[test]
fn a_client_gets_the_certificate_with_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let of = |file: &str, names: &[&str]| {
        certificate(directory.path(), file, names, &PKCS_ECDSA_P256_SHA256)
    };
    let all = Certificates::new(vec![
        of("first", &["s3.example.org"]),
        of("second", &["*.s3.example.org", "S3.Example.COM"]),
        of("third", &["photos.s3.example.org"]),
        of("fourth", &["*.example.net"]),
        of("fifth", &[]),
    ]);
    let chosen = |name: Option<&str>| all.choose(name, ALL).unwrap().label.as_str();
    for (name, expected) in [
        ("s3.example.org", "s3.example.org"),
        ("S3.EXAMPLE.ORG", "s3.example.org"),
        ("films.s3.example.org", "*.s3.example.org"),
        // The very name, wherever it stands.
        ("photos.s3.example.org", "photos.s3.example.org"),
        ("s3.example.com", "*.s3.example.org"),
        ("a.example.net", "*.example.net"),
        // A wildcard is for one label, and for no name without it.
        ("a.b.example.net", "s3.example.org"),
        ("example.net", "s3.example.org"),
        ("*.example.net", "*.example.net"),
        ("unknown.example", "s3.example.org"),
        ("localhost", "s3.example.org"),
    ] {
        assert_eq!(chosen(Some(name)), expected, "{name}");
    }
    assert_eq!(chosen(None), "s3.example.org");
    assert_eq!(all.iter().last().unwrap().label, "fifth", "without a name, the file's");
}

#[test]
fn of_two_certificates_for_a_name_a_client_gets_the_one_that_it_can_verify() {
    let directory = tempfile::tempdir().unwrap();
    let all = Certificates::new(vec![
        certificate(directory.path(), "a", &["a.example"], &PKCS_ED25519),
        certificate(directory.path(), "b", &["b.example"], &PKCS_ED25519),
        certificate(directory.path(), "c", &["b.example"], &PKCS_ECDSA_P256_SHA256),
    ]);
    let chosen = |name, schemes| {
        all.choose(Some(name), schemes)
            .map(|found| all.iter().position(|each| std::ptr::eq(each, found)).unwrap())
    };
    assert_eq!(chosen("b.example", ALL), Some(1));
    assert_eq!(chosen("b.example", &[SignatureScheme::ECDSA_NISTP256_SHA256]), Some(2));
    assert_eq!(chosen("b.example", &[SignatureScheme::ED25519]), Some(1));
    assert_eq!(
        chosen("a.example", &[SignatureScheme::ECDSA_NISTP256_SHA256]),
        Some(2),
        "any will do"
    );
    assert_eq!(chosen("a.example", &[SignatureScheme::RSA_PKCS1_SHA256]), None);
}

#[test]
fn names_and_expiry_are_the_certificates_own() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![
        "B.example.org".to_owned(),
        "192.0.2.1".to_owned(),
        "a.example.org".to_owned(),
    ])
    .unwrap();
    params.not_after = rcgen::date_time_ymd(2031, 2, 3);
    let (file, secret) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
    std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&secret, key.serialize_pem()).unwrap();
    let read = Certificate::read(&file, &secret, &default_provider()).unwrap();
    assert_eq!(read.names, ["b.example.org", "a.example.org"], "addresses are asked for by none");
    assert_eq!(read.label, "b.example.org");
    assert_eq!(read.expires, 1_927_843_200);
}
