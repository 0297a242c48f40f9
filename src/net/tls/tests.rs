use std::fs;
use std::os::unix::fs::symlink;

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::*;
use crate::config::CertificateFiles;

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Files(tempfile::tempdir().unwrap())
    }

    fn settings(&self) -> config::Tls {
        let at = |name| self.0.path().join(name);
        config::Tls {
            certificates: vec![CertificateFiles { certificate: at("c"), key: at("k") }],
            min_version: TlsVersion::V12,
            client_auth: ClientAuth::Off,
            client_ca: None,
        }
    }

    fn write(&self, name: &str, text: &str) {
        // Renamed into place, as careful tools do: another inode each time.
        let staged = self.0.path().join("staged");
        fs::write(&staged, text).unwrap();
        fs::rename(&staged, self.0.path().join(name)).unwrap();
    }
}

fn made(name: &str) -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn shown(tls: &Tls) -> String {
    tls.certificates().iter().map(|each| each.label.clone()).collect()
}

#[test]
fn files_that_change_are_taken_and_half_a_change_is_not() {
    let files = Files::new();
    let (first, second) = (made("first.example"), made("second.example"));
    files.write("c", &first.0);
    files.write("k", &first.1);
    let tls = Tls::read(&files.settings()).unwrap();
    assert!(tls.refresh().is_none(), "nothing has changed");
    files.write("c", &second.0);
    let error = tls.refresh().unwrap().unwrap_err().to_string();
    assert!(error.contains("/k: ") && error.contains("/c)"), "{error}");
    assert_eq!(shown(&tls), "first.example");
    assert!(tls.refresh().is_none(), "told once");
    files.write("k", &second.1);
    assert!(tls.refresh().unwrap().is_ok());
    assert_eq!(shown(&tls), "second.example");
    assert!(tls.refresh().is_none());
    fs::remove_file(files.0.path().join("k")).unwrap();
    assert!(tls.refresh().unwrap().is_err());
    files.write("k", &second.1);
    assert!(tls.refresh().unwrap().is_ok());
}

/// Kubernetes mounts a secret behind a link to a directory, and swaps the link.
#[test]
fn a_swapped_link_is_a_change() {
    let files = Files::new();
    let at = |name: &str| files.0.path().join(name);
    for name in ["first", "second"] {
        let (certificate, key) = made(&format!("{name}.example"));
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("c"), certificate).unwrap();
        fs::write(at(name).join("k"), key).unwrap();
    }
    let point_to = |name: &str| {
        symlink(name, at("staged")).unwrap();
        fs::rename(at("staged"), at("data")).unwrap();
    };
    point_to("first");
    symlink("data/c", at("c")).unwrap();
    symlink("data/k", at("k")).unwrap();
    let tls = Tls::read(&files.settings()).unwrap();
    assert_eq!(shown(&tls), "first.example");
    point_to("second");
    assert!(tls.refresh().unwrap().is_ok());
    assert_eq!(shown(&tls), "second.example");
    assert!(tls.refresh().is_none());
}

#[test]
fn files_that_are_written_over_are_taken_too() {
    let files = Files::new();
    let (first, second) = (made("first.example"), made("second.example"));
    let write = |name: &str, text: &str| fs::write(files.0.path().join(name), text).unwrap();
    write("c", &first.0);
    write("k", &first.1);
    let tls = Tls::read(&files.settings()).unwrap();
    write("c", &second.0[..second.0.len() / 2]);
    assert!(tls.refresh().unwrap().is_err(), "half a file");
    write("c", &second.0);
    write("k", &second.1);
    assert!(tls.refresh().unwrap().is_ok());
    assert_eq!(shown(&tls), "second.example");
}

#[test]
fn what_failed_is_tried_again_though_nothing_has_changed() {
    let files = Files::new();
    let (first, second) = (made("first.example"), made("second.example"));
    files.write("c", &first.0);
    files.write("k", &first.1);
    let tls = Tls::read(&files.settings()).unwrap();
    files.write("k", &second.1);
    assert!(tls.reload(&files.settings()).is_err());
    // As if the change had come between the look at the files and their reading.
    files.write("c", &second.0);
    tls.source.lock().unwrap().stamps = stamps(&files.settings());
    assert!(tls.refresh().unwrap().is_ok());
    assert_eq!(shown(&tls), "second.example");
}

#[test]
fn what_can_not_serve_is_an_error_with_its_file() {
    let files = Files::new();
    let (first, second) = (made("first.example"), made("second.example"));
    for (certificate, key, blamed) in [
        ("", first.1.as_str(), "c: no certificate in it"),
        ("no pem", &first.1, "c: no certificate in it"),
        (&first.0, "", "k: "),
        (&first.0, &second.1, "k: "),
        (&first.1, &first.1, "c: no certificate in it"),
        (&first.0, &first.0, "k: "),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &first.1, "c: "),
    ] {
        files.write("c", certificate);
        files.write("k", key);
        let error = Tls::read(&files.settings()).err().expect(blamed).to_string();
        assert!(error.contains(blamed), "{error}");
    }
    files.write("c", &first.0);
    files.write("k", &first.1);
    let ca = files.0.path().join("ca");
    let settings =
        config::Tls { client_ca: Some(ca), client_auth: ClientAuth::Required, ..files.settings() };
    for (text, ok) in [("", false), (first.1.as_str(), false), (&second.0, true)] {
        files.write("ca", text);
        let read = Tls::read(&settings).err().map(|error| error.to_string());
        assert_eq!(read.is_none(), ok, "{read:?}");
        assert!(read.is_none_or(|error| error.contains("/ca: ")));
    }
}
