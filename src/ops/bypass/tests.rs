use super::*;
use std::time::UNIX_EPOCH;

const HOUR: Duration = Duration::from_secs(3600);

fn at(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + secs)
}

struct Room {
    directory: tempfile::TempDir,
}

impl Room {
    fn new() -> Self {
        Room { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("bypass.json")
    }

    fn store(&self) -> BypassStore {
        BypassStore::open(self.path()).unwrap()
    }
}

#[test]
fn scopes_say_what_is_observed() {
    let cases = [
        (Scope::All, [true, true, true]),
        (Scope::List("police".into()), [true, false, true]),
        (Scope::Bucket("photos".into()), [true, true, false]),
    ];
    for (scope, expected) in cases {
        let room = Room::new();
        let store = room.store();
        store.observe(scope, HOUR, "false alarms", at(0)).unwrap();
        let acts = store.current();
        let observed = [("police", "photos"), ("own", "photos"), ("police", "other")]
            .map(|(list, bucket)| acts.observes(list, bucket, at(1)));
        assert_eq!(observed, expected);
    }
}

#[test]
fn acts_end_by_themselves_and_outlive_the_process() {
    let room = Room::new();
    room.store().observe(Scope::All, HOUR, "r", at(0)).unwrap();
    room.store().disable("police", "e-1", at(7200), "r", at(0)).unwrap();
    let acts = room.store().current();
    for (now, observed, disabled) in [
        (0, true, true),
        (3599, true, true),
        (3600, false, true),
        (7199, false, true),
        (7200, false, false),
    ] {
        let now = at(now);
        assert_eq!(acts.observes("police", "photos", now), observed);
        assert_eq!(acts.is_disabled("police", "e-1", now), disabled);
        assert_eq!(acts.active(now).len(), usize::from(observed) + usize::from(disabled));
    }
    assert!(!acts.is_disabled("police", "e-2", at(0)) && !acts.is_disabled("own", "e-1", at(0)));
    assert!(acts.active(at(7200)).is_empty());
}

#[test]
fn ended_acts_are_dropped_when_one_is_added() {
    let room = Room::new();
    let store = room.store();
    store.observe(Scope::All, HOUR, "old", at(0)).unwrap();
    store.observe(Scope::All, HOUR, "new", at(3600)).unwrap();
    let reasons: Vec<_> =
        room.store().current().observes.iter().map(|o| o.reason.clone()).collect();
    assert_eq!(reasons, ["new"]);
}

#[test]
fn an_act_needs_a_reason_and_an_end() {
    let room = Room::new();
    let store = room.store();
    for reason in ["", " ", &"x".repeat(REASON_BYTES_MAX + 1)] {
        let refused = store.observe(Scope::All, HOUR, reason, at(0));
        assert!(matches!(refused, Err(BypassError::Reason)));
    }
    for lasts in [Duration::ZERO, LASTS_MAX + Duration::from_secs(1), Duration::MAX] {
        let refused = store.observe(Scope::All, lasts, "r", at(0));
        assert!(matches!(refused, Err(BypassError::End)));
    }
    let refused = store.disable("l", "e", at(0), "r", at(1));
    assert!(matches!(refused, Err(BypassError::End)));
    assert!(store.current().is_empty() && !room.path().exists());
    store.observe(Scope::All, LASTS_MAX, &"x".repeat(REASON_BYTES_MAX), at(0)).unwrap();
}

#[test]
fn there_are_never_too_many() {
    let room = Room::new();
    let store = room.store();
    let many = Observe {
        scope: Scope::All,
        reason: "r".into(),
        since: Timestamp::UNIX_EPOCH,
        until: Timestamp::MAX,
    };
    let acts = Bypasses { observes: vec![many; ACTS_MAX - 1], disabled: Vec::new() };
    store.current.store(Arc::new(acts));
    store.disable("l", "e", at(9), "r", at(0)).unwrap();
    let refused = store.disable("l", "e", at(9), "r", at(0));
    assert!(matches!(refused, Err(BypassError::TooMany)));
}

#[test]
fn what_cannot_be_kept_is_not_taken() {
    let room = Room::new();
    let store = BypassStore::open(room.directory.path().join("missing/bypass.json")).unwrap();
    let refused = store.observe(Scope::All, HOUR, "r", at(0));
    assert!(matches!(refused, Err(BypassError::Io(_))));
    assert!(store.current().is_empty());
}

#[test]
fn the_file_is_private_and_has_a_version() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    room.store().observe(Scope::List("police".into()), HOUR, "r", at(0)).unwrap();
    let text = fs::read_to_string(room.path()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["observes"][0]["scope"]["list"], "police");
    assert_eq!(value["observes"][0]["until"], "2027-01-15T09:00:00Z");
    assert_eq!(fs::metadata(room.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(room.directory.path()).unwrap().count(), 1);
}

#[test]
fn a_broken_file_is_an_error_and_not_an_empty_one() {
    let good = r#"{"version":1,"observes":[],"disabled":[]}"#;
    for cut in 0..good.len() {
        assert!(parse(&good.as_bytes()[..cut]).is_err(), "{}", &good[..cut]);
    }
    assert_eq!(parse(good.as_bytes()).unwrap(), Bypasses::default());
    for bad in [r#"{"version":2,"observes":[],"disabled":[]}"#, r#"{"observes":[],"disabled":[]}"#]
    {
        let room = Room::new();
        fs::write(room.path(), bad).unwrap();
        assert!(BypassStore::open(room.path()).is_err());
    }
}

#[test]
fn dates_and_times_are_read() {
    let day = UNIX_EPOCH + Duration::from_secs(1_801_353_600);
    let good = [
        ("2027-01-31", day),
        ("2027-01-31T00:00:00Z", day),
        ("2027-01-31T01:30:00+01:00", day + HOUR / 2),
    ];
    for (text, expected) in good {
        assert_eq!(parse_date(text), Ok(expected), "{text}");
    }
    for bad in [
        "",
        "2027-02-29",
        "2027-01-31T00:00:00",
        "31.01.2027",
        "tomorrow",
        "2027-1-31",
        "2027-01-3",
    ] {
        assert_eq!(parse_date(bad), Err(DateError), "{bad}");
    }
}
