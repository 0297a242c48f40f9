//! The rows. Bounds are wide: they stop slips (a missing zero, a wrong unit), not decisions.

use super::{Fallback, Row};
use crate::config::kind::{Kind, PatternsOf};
use crate::config::units::{DAY, GIB, HOUR, KIB, MIB, SECOND, TIB};

/// How long something may take: at least 1 ms, so that nothing always fails; at most a day.
const TIMEOUT: Kind = Kind::Duration { min: 1, max: DAY };
/// How long something is kept.
const RETENTION: Kind = Kind::Duration { min: SECOND, max: 3650 * DAY };
const CONTACT: Kind = Kind::Text { max: 200, ascii: false };
const PATH: Kind = Kind::Path { optional: false };
const PATH_OR_NONE: Kind = Kind::Path { optional: true };
/// Certificates of one listener, each asked for its names when a client connects.
const PATHS: Kind = Kind::Paths { max: 256 };
/// Networks, each compared with the address of every connection.
const NETWORKS: Kind = Kind::Networks { max: 256 };

/// An access key id of the gate's own.
const OWN_KEY: Kind = Kind::Text { max: 128, ascii: true };
/// A region's name.
const TLS_VERSION: Kind = words(&["1.2", "1.3"]);
const REGION: Kind = Kind::Text { max: 64, ascii: true };
const DOOR: Kind = words(&["deny", "forward"]);
const SWITCH: Kind = words(&["off", "on"]);

const fn words(words: &'static [&'static str]) -> Kind {
    Kind::Word { words, later: &[] }
}

pub(super) const LISTENER: &[Row] = &[
    Row::fixed(
        "address",
        Kind::Address { optional: false },
        r#""0.0.0.0:9000""#,
        "Where clients connect.",
    ),
    Row {
        key: "name",
        kind: Kind::Name,
        fallback: Fallback::Derived("the address"),
        reload: false,
        what: "What the log, metrics and `/status` call it.",
    },
    Row::live(
        "tls_certificate",
        PATHS,
        r#""""#,
        "PEM file with the certificate chain, or an array of such files: a client gets the one with the name that it asks for, else the first. With `tls_key`, the listener speaks HTTPS; without both, HTTP. Files that change are read again by themselves.",
    ),
    Row::live(
        "tls_key",
        PATHS,
        r#""""#,
        "PEM file with the certificate's private key, or an array of one for each certificate, in the same order.",
    ),
    Row::live(
        "tls_min_version",
        words(&["1.2", "1.3"]),
        r#""1.2""#,
        "Oldest version of TLS that is spoken.",
    ),
    Row::live(
        "tls_client_ca",
        PATH_OR_NONE,
        r#""""#,
        "PEM file with the authorities whose certificates clients may show; `\"\"` is none.",
    ),
    Row::live(
        "tls_client_auth",
        words(&["off", "optional", "required"]),
        r#""off""#,
        "Whether clients are asked for a certificate by one of `tls_client_ca`: `optional` lets those in too that have none, `required` nobody else.",
    ),
    Row::live(
        "proxy_protocol",
        SWITCH,
        r#""off""#,
        "`on` expects the PROXY protocol, version 1 or 2, before anything else on each connection, and only from `trusted_proxies`: all other connections are closed.",
    ),
    Row::live(
        "trusted_proxies",
        NETWORKS,
        "[]",
        "The load balancers in front. They alone are believed when they name a client, by the PROXY protocol or by X-Forwarded-For, where the right-most address that is none of theirs is the client.",
    ),
    Row::fixed(
        "header_timeout",
        TIMEOUT,
        r#""10s""#,
        "How long a request's head may take from its first byte.",
    ),
    Row::fixed(
        "idle_timeout",
        TIMEOUT,
        r#""75s""#,
        "How long a connection without a request is kept. Longer than the client's own, so that the client closes first.",
    ),
    Row::live(
        "body_idle_timeout",
        TIMEOUT,
        r#""60s""#,
        "How long a body may stand still before the client is taken for gone.",
    ),
    Row::live(
        "body_min_rate",
        Kind::Size { min: 0, max: MIB },
        r#""128B""#,
        "Bytes a second that a client has to send of a body, on average over each minute (or `body_idle_timeout`, if that is shorter) that was spent waiting for it. `0B` asks for none.",
    ),
    Row::fixed(
        "max_connections",
        Kind::Count { min: 1, max: 1_000_000 },
        "10000",
        "Connections at a time; further ones are closed, over HTTP with a 503.",
    ),
    Row::fixed(
        "max_header_size",
        Kind::Size { min: 8 * KIB, max: MIB },
        r#""64KiB""#,
        "Largest head of a request, request line included.",
    ),
    Row::live(
        "drain_grace",
        Kind::Duration { min: 0, max: DAY },
        r#""0s""#,
        "How long a draining gate goes on accepting connections while /readyz already says no, for load balancers to notice. The longest of all listeners counts.",
    ),
    Row::live(
        "drain_deadline",
        Kind::Duration { min: 0, max: 7 * DAY },
        r#""1h""#,
        "How long a draining gate waits for requests under way before it ends. The longest of all listeners counts.",
    ),
];

pub(super) const UPSTREAM: &[Row] = &[
    Row::derived(
        "name",
        Kind::Name,
        "the endpoint's host",
        "The store in metrics, in /status and for `probe`; unique.",
    ),
    Row::live(
        "hosts",
        Kind::Patterns(PatternsOf::Hosts),
        "[]",
        "Patterns of the Host headers, in lower case and without a port, whose requests this store serves; `[]` is all. The first `[[upstream]]` that takes host and bucket serves; the last one must take everything.",
    ),
    Row::live(
        "buckets",
        Kind::Patterns(PatternsOf::Buckets),
        "[]",
        "Patterns of the buckets whose requests this store serves; `[]` is all. Requests that name no bucket are taken by `[]` and `*` alone.",
    ),
    Row::live(
        "endpoint",
        Kind::Endpoint,
        r#""http://127.0.0.1:3900""#,
        "The store. Unless `signing` is `resign`, the client's Host header is passed on unchanged, since its signature covers it. A name may have several addresses: they are used in turn, without those that could not be reached lately.",
    ),
    Row::live(
        "resolve_interval",
        Kind::Duration { min: SECOND, max: DAY },
        r#""30s""#,
        "Age from which the addresses of the endpoint's name are looked up anew. The system's resolver does not tell how long its answers hold. While it has none, the old ones serve.",
    ),
    Row::live(
        "tls_ca",
        PATH_OR_NONE,
        r#""""#,
        "PEM file with the authorities that may vouch for an `https` endpoint; `\"\"` are the system's.",
    ),
    Row::live(
        "tls_certificate",
        PATH_OR_NONE,
        r#""""#,
        "PEM file with the certificate chain that the gate shows an `https` endpoint which asks for one.",
    ),
    Row::live("tls_key", PATH_OR_NONE, r#""""#, "PEM file with that certificate's private key."),
    Row::live(
        "tls_min_version",
        TLS_VERSION,
        r#""1.2""#,
        "The oldest TLS that is spoken with an `https` endpoint.",
    ),
    Row::live(
        "auth_first",
        SWITCH,
        r#""off""#,
        "`on` has the store accept the head of each upload before its body is taken, so that strangers' bytes are neither held nor decoded. It costs a round trip for each upload.",
    ),
    Row::live(
        "signing",
        words(&["pass", "resign"]),
        r#""pass""#,
        "`pass` leaves clients' signatures to the store; `resign` checks them against `credentials` and signs anew for the store, so that no client has a key that works there.",
    ),
    Row::live(
        "credentials",
        PATH_OR_NONE,
        r#""""#,
        "The file with clients' keys and those that they are exchanged for; needed by `resign`, and read again when it changes. Others must not be able to read it.",
    ),
    Row::live(
        "addressing",
        words(&["path", "virtual"]),
        r#""path""#,
        "Where `resign` puts the bucket: into the path, or before the endpoint's host.",
    ),
    Row::live(
        "signed_chunks",
        words(&["resign", "decode"]),
        r#""resign""#,
        "What `resign` makes of a body whose chunks are signed: chunks signed anew, or the plain bytes.",
    ),
    Row::live(
        "anonymous",
        words(&["refuse", "forward"]),
        r#""refuse""#,
        "What becomes of requests without a signature under `resign`: 403, or they go to the store as they are.",
    ),
    Row::live(
        "connect_timeout",
        TIMEOUT,
        r#""5s""#,
        "How long connecting to the store may take, all addresses together.",
    ),
    Row::live(
        "response_timeout",
        TIMEOUT,
        r#""15m""#,
        "How long the store may take to answer a complete request. Completing a large multipart upload takes minutes.",
    ),
    Row::live(
        "idle_timeout",
        TIMEOUT,
        r#""30s""#,
        "How long an unused connection to the store is kept. Shorter than the store's own, so that no request is sent into a closing connection.",
    ),
    Row::live(
        "max_idle",
        Kind::Count { min: 0, max: 100_000 },
        "256",
        "Unused connections to the store that are kept.",
    ),
    Row::live(
        "guard",
        words(&["auto", "whole"]),
        r#""auto""#,
        "`auto` judges images and small bodies before their first byte goes out, and holds the tail of larger ones back; `whole` judges every body up to `limits.capture_max` before its first byte goes out.",
    ),
    Row::live(
        "access_key",
        OWN_KEY,
        r#""""#,
        "The gate's own access key at the store, with which it ends refused multipart uploads and reads copies back; `\"\"` is none. Clients' requests never use it.",
    ),
    Row::live("secret_key_file", PATH_OR_NONE, r#""""#, "File with the secret of `access_key`."),
    Row::live(
        "region",
        REGION,
        r#""us-east-1""#,
        "The region that requests are signed for, the gate's own and those signed anew.",
    ),
];

pub(super) const LIST: &[Row] = &[
    Row::required("name", Kind::Name, "The list in audit records, metrics and commands; unique."),
    Row::required("source", PATH, "A source file, or a snapshot made by `s3bouncer list build`."),
    Row::live(
        "format",
        Kind::Word {
            words: &["plain", "snapshot", "tagged", "csv", "hashdeep", "md5sum"],
            later: &["ncmec-xml", "vics-json", "stopncii-json", "stix", "misp"],
        },
        r#""plain""#,
        "How the source is written.",
    ),
    Row::live(
        "hash",
        Kind::Hash,
        r#""""#,
        "What the entries are. Needed for `plain` and `md5sum`; the other formats say it themselves. Beside digests and `pdq` the hashes of the crate image_hasher, for lists of your own: `mean`, `median`, `gradient`, `vert-gradient`, `double-gradient` or `blockhash`, a side of `-8`, `-16`, `-24` or `-32`, and `-dct` for the hash of its low frequencies.",
    ),
    Row::required(
        "polarity",
        words(&["block", "allow"]),
        "`block` refuses what is on the list; `allow` acquits it, by SHA-256 only, whatever other lists say.",
    ),
    Row::required(
        "mode",
        words(&["enforce", "shadow"]),
        "`enforce` refuses; `shadow` records what would have been refused. The weaker of list and bucket wins.",
    ),
    Row::live("contact", CONTACT, r#""""#, "Whom `explain` names for questions about an entry."),
    Row::live(
        "max_age",
        Kind::Duration { min: 0, max: 3650 * DAY },
        r#""0s""#,
        "Age from which the list counts as `stale-list`; `0s` is never.",
    ),
    Row::live("delimiter", Kind::Delimiter, r#"",""#, "Between the fields of a `csv` source."),
    Row::live(
        "columns",
        Kind::Columns,
        "{}",
        "The columns of a `csv` source by what they hold: `md5`, `sha1`, `sha256`, `pdq` and other kinds of hash, `label`, and the `quality` of PDQ hashes, below 50 of which they are left out. Needed for `csv`, with one hash at least.",
    ),
    Row::derived(
        "near_mode",
        words(&["enforce", "shadow"]),
        "the list's mode where it holds perceptual hashes only, else shadow",
        "How strictly likeness of pictures is taken, apart from `mode`. Under `shadow` it is recorded and passes.",
    ),
    Row::derived(
        "near_distance",
        Kind::Count { min: 0, max: 256 },
        "31 for pdq, else an eighth of the bits",
        "Bits of a perceptual hash that may differ for a picture to be the listed one.",
    ),
    Row::derived(
        "near_wide",
        Kind::Count { min: 0, max: 256 },
        "48 for pdq, else three sixteenths of the bits",
        "Bits up to which a picture is recorded as `would-deny` and passes; 0 for no such band.",
    ),
    Row::live(
        "near_wide_denies",
        SWITCH,
        r#""off""#,
        "Whether what is only within `near_wide` is refused too.",
    ),
    Row::live(
        "near_quality",
        Kind::Count { min: 0, max: 100 },
        "50",
        "PDQ quality below which a picture is not compared: flat pictures resemble each other.",
    ),
    Row::live(
        "near_variants",
        words(&["off", "trim", "pad", "trim+pad"]),
        r#""off""#,
        "Also compare pictures without their uniform borders (`trim`) and with reflected margins (`pad`), which finds bordered and cropped copies. docs/accuracy.md has what each finds and costs.",
    ),
    Row::live(
        "near_variants_deny",
        SWITCH,
        r#""off""#,
        "Whether a likeness of such a variant is refused too, not only recorded.",
    ),
    Row::live(
        "near_convention",
        words(&["full", "512"]),
        r#""full""#,
        "How the source's PDQ hashes were made: at full resolution, or of pictures first resized to 512x512 as Meta's command line does. Snapshots say it themselves.",
    ),
    Row::live(
        "short_hashes",
        SWITCH,
        r#""off""#,
        "Take a list of more than 1000 hashes of 64 bits, which hit innocent pictures: about one in 100,000 pairs.",
    ),
];

pub(super) const BUCKET: &[Row] = &[
    Row::live(
        "match",
        Kind::Pattern,
        r#""*""#,
        "The buckets that this rule is for. The first rule that matches wins; a rule that can never match is an error. Requests that name no bucket are matched by `*` alone.",
    ),
    Row::required(
        "mode",
        words(&["enforce", "shadow", "off"]),
        "`enforce` refuses; `shadow` only records, and adds no errors; `off` does not look.",
    ),
    Row::derived("lists", Kind::Names, "all lists", "The lists that apply."),
    Row::live(
        "unjudged",
        Kind::Unjudged,
        r#""forward""#,
        "What becomes of a body that can not be judged for a reason of its own. In a table, reasons that are left out are forwarded.",
    ),
    Row::derived(
        "faults",
        words(&["retry", "forward"]),
        "retry under enforce, else forward",
        "What becomes of a body that can not be judged for a fault of the gate: 503, or it passes. Under `shadow` it always passes.",
    ),
    Row::live(
        "copies",
        words(&["whole", "read-back", "deny"]),
        r#""whole""#,
        "Copies within the store: `whole` lets copies of whole objects pass and refuses those of ranges; `read-back` reads the source with `upstream.access_key` and judges it; `deny` refuses all.",
    ),
    Row::live(
        "appends",
        DOOR,
        r#""deny""#,
        "Bytes written into an object that is there: S3 Express, Ceph, OSS, OBS and COS appends, ECS ranges.",
    ),
    Row::live(
        "archives",
        words(&["deny", "inspect", "forward"]),
        r#""deny""#,
        "Archives that the store unpacks into objects (MinIO and RustFS snowball): `inspect` holds each up to `inspect.archive_max` and judges every member.",
    ),
    Row::live("swift", DOOR, r#""deny""#, "The Swift API, below `inspect.swift_prefix`."),
    Row::live(
        "google",
        DOOR,
        r#""deny""#,
        "Google's resumable uploads, compositions and JSON API.",
    ),
    Row::live("methods", DOOR, r#""deny""#, "Methods that S3 doesn't have, WebDAV's and others."),
    Row::live(
        "store_jobs",
        DOOR,
        r#""forward""#,
        "Settings that make the store itself fetch or copy objects: replication, inventory, logging, MinIO's administration.",
    ),
];

pub(super) const LIMITS: &[Row] = &[
    Row::live(
        "capture_max",
        Kind::Size { min: 4 * KIB, max: 64 * GIB },
        r#""32MiB""#,
        "Largest image that is held whole until its verdict. Of a larger one so much is judged.",
    ),
    Row::live(
        "small_body_max",
        Kind::Size { min: 0, max: 64 * GIB },
        r#""1MiB""#,
        "Largest body of any kind that is held whole until its verdict. At most `capture_max`.",
    ),
    Row::live(
        "capture_budget",
        Kind::Size { min: 4 * KIB, max: 16 * TIB },
        r#""1GiB""#,
        "Memory for all bodies that are held at a time; beyond it uploads are answered 503 SlowDown. At least `capture_max`.",
    ),
    Row::live(
        "hold_back",
        Kind::Size { min: 4 * KIB, max: GIB },
        r#""64KiB""#,
        "The tail of a streamed body that waits for the verdict. At least the 4KiB that are sniffed first, at most `capture_max`.",
    ),
    Row::live(
        "drain_bytes",
        Kind::Size { min: 0, max: 64 * GIB },
        r#""16MiB""#,
        "How much of a refused body is read, so that the client reads the answer, before the connection is closed.",
    ),
    Row::live(
        "drain_time",
        Kind::Duration { min: 0, max: HOUR },
        r#""10s""#,
        "How long a refused body is read.",
    ),
];

pub(super) const DECODE: &[Row] = &[
    Row::fixed(
        "workers",
        Kind::Count { min: 0, max: 1024 },
        "0",
        "Processes that decode images; 0 is one for each core.",
    ),
    Row::live(
        "memory_limit",
        Kind::Size { min: 16 * MIB, max: 64 * GIB },
        r#""512MiB""#,
        "Memory of one of these processes, beside the image and 96 MiB of its own; an image that takes more is `memory`.",
    ),
    Row::live(
        "time_limit",
        Kind::Duration { min: 10, max: HOUR },
        r#""10s""#,
        "How long decoding one image may take; one that takes longer is `time`. At most `upload_time_limit`.",
    ),
    Row::live(
        "upload_time_limit",
        Kind::Duration { min: 10, max: HOUR },
        r#""40s""#,
        "How long decoding all images in one upload may take. Shorter than the store waits for a body.",
    ),
    Row::live(
        "wait",
        Kind::Duration { min: 0, max: HOUR },
        r#""5s""#,
        "How long an image may wait for a free process; then its upload is the fault `budget`.",
    ),
    Row::live(
        "queue",
        Kind::Count { min: 0, max: 1_000_000 },
        "256",
        "Images that may wait for a free process at a time.",
    ),
    Row::live(
        "max_pictures",
        Kind::Count { min: 1, max: 1_000_000 },
        "256",
        "Images in one upload that are decoded; if it has more, it is `too-large`.",
    ),
    Row::live(
        "max_pixels",
        Kind::Count { min: 1, max: 10_000_000_000 },
        "100000000",
        "Pixels of the largest image that is decoded; a larger one is `pixels`.",
    ),
    Row::live(
        "max_frames",
        Kind::Count { min: 1, max: 1_000_000 },
        "1000",
        "Frames or pages of an image that are decoded; one with more is `frames`.",
    ),
    Row::live(
        "max_scans",
        Kind::Count { min: 1, max: 100_000 },
        "100",
        "Scans of a progressive JPEG; one with more is `scans`.",
    ),
];

pub(super) const AUDIT: &[Row] = &[
    Row::live("path", PATH, r#""audit.jsonl""#, "One record for each upload."),
    Row::live(
        "denials_path",
        PATH,
        r#""denials.jsonl""#,
        "Denials and would-be denials again, for a retention of their own.",
    ),
    Row::live(
        "passes",
        words(&["minimal", "keyed", "full"]),
        r#""minimal""#,
        "What is kept about uploads that pass: `minimal` neither who nor what; `keyed` adds keyed hashes of digests, key and client; `full` everything.",
    ),
    Row::live("retention", RETENTION, r#""90d""#, "How long records are kept."),
    Row::live("denials_retention", RETENTION, r#""365d""#, "How long records of denials are kept."),
    Row::live(
        "rotate_size",
        Kind::Size { min: 4 * KIB, max: TIB },
        r#""64MiB""#,
        "Size from which a new file is begun.",
    ),
    Row::live(
        "rotate_age",
        Kind::Duration { min: SECOND, max: 365 * DAY },
        r#""1d""#,
        "Age from which a new file is begun. At most the retentions, since files expire whole.",
    ),
    Row::fixed(
        "queue",
        Kind::Count { min: 1, max: 1_000_000 },
        "16384",
        "Uploads under way and records that wait for the disk; beyond them uploads follow `faults`.",
    ),
];

pub(super) const REFUSAL: &[Row] = &[Row::live(
    "contact",
    Kind::Text { max: 200, ascii: true },
    r#""""#,
    "Stands in every refusal: where somebody refused by mistake can ask.",
)];

pub(super) const ADMIN: &[Row] = &[
    Row::fixed(
        "socket",
        PATH_OR_NONE,
        r#""""#,
        "Unix socket for `s3bouncer ctl`, mode 0600; `\"\"` is admin.sock in `state.directory`.",
    ),
    Row::fixed(
        "address",
        Kind::Address { optional: true },
        r#""127.0.0.1:9001""#,
        "Read-only HTTP: /metrics /livez /readyz /status; `\"\"` is none.",
    ),
];

pub(super) const STATE: &[Row] = &[
    Row::fixed("directory", PATH, r#""state""#, "Compiled lists and what else outlives a restart."),
    Row::fixed(
        "parts_directory",
        PATH_OR_NONE,
        r#""""#,
        "Where the parts of multipart uploads are kept; `\"\"` is parts in `directory`. Gates on one machine may share it.",
    ),
    Row::fixed(
        "bucket",
        Kind::Text { max: 63, ascii: true },
        r#""""#,
        "A private bucket for the parts of multipart uploads, shared by all nodes, so that any of them can judge what the others saw; `\"\"` keeps them in `parts_directory`.",
    ),
    Row::fixed(
        "endpoint",
        Kind::Text { max: 300, ascii: true },
        r#""""#,
        "The store of `bucket`, `http://` or `https://`; `\"\"` is `upstream.endpoint`.",
    ),
    Row::fixed("region", REGION, r#""us-east-1""#, "The region of `bucket`."),
    Row::fixed("access_key", OWN_KEY, r#""""#, "The gate's own access key for `bucket`."),
    Row::fixed("secret_key_file", PATH_OR_NONE, r#""""#, "File with the secret of `access_key`."),
    Row::fixed(
        "spool_max",
        Kind::Size { min: MIB, max: 1024 * TIB },
        r#""16GiB""#,
        "Bytes of parts that are kept until their upload completes. Beyond it parts are the fault `spool`: 503 where faults are retried. Of large uploads only what runs ahead of their digests is kept.",
    ),
    Row::fixed(
        "ttl",
        RETENTION,
        r#""8d""#,
        "How long the parts of an unfinished upload are kept. Longer than the store keeps them.",
    ),
    Row::fixed("timeout", TIMEOUT, r#""2s""#, "How long a small operation of the state may take."),
    Row::fixed(
        "multipart_grace",
        Kind::Duration { min: 0, max: 365 * DAY },
        r#""7d""#,
        "After the first start with this state, uploads whose parts came before the gate are forwarded so long; after that they are the fault `part-unseen`.",
    ),
    Row::fixed(
        "sync",
        words(&["off", "on"]),
        r#""off""#,
        "`on` has the disk confirm the record of each part, so that a power cut loses none; a crash of the gate loses none either way.",
    ),
];

pub(super) const INSPECT: &[Row] = &[
    Row::live(
        "decoded_max",
        Kind::Size { min: KIB, max: TIB },
        r#""4GiB""#,
        "To how much a `Content-Encoding` may unfold; what unfolds to more is `encoding`.",
    ),
    Row::live(
        "decoded_ratio",
        Kind::Count { min: 2, max: 100_000 },
        "200",
        "How many times larger than itself a body or an archive may unfold.",
    ),
    Row::live(
        "magic_prefix",
        Kind::Size { min: 0, max: 64 * MIB },
        r#""64KiB""#,
        "How far into a body that does not begin with a picture one is searched for.",
    ),
    Row::live(
        "archives",
        SWITCH,
        r#""off""#,
        "Looks into uploaded zip and tar files up to `archive_max`.",
    ),
    Row::live(
        "documents",
        SWITCH,
        r#""off""#,
        "Looks for pictures in PDF files, and written as base64 in HTML, SVG and mail, up to `archive_max`.",
    ),
    Row::live(
        "archive_max",
        Kind::Size { min: 4 * KIB, max: 64 * GIB },
        r#""64MiB""#,
        "Largest body that is held to be looked into. At most `limits.capture_budget`.",
    ),
    Row::live(
        "unpacked_max",
        Kind::Size { min: 4 * KIB, max: TIB },
        r#""1GiB""#,
        "To how much an archive may unfold; what is behind that is not seen, which is `archive`.",
    ),
    Row::live(
        "members_max",
        Kind::Count { min: 1, max: 10_000_000 },
        "100000",
        "How many members of an archive are looked at.",
    ),
    Row::live(
        "swift_prefix",
        Kind::Text { max: 100, ascii: true },
        r#""/swift""#,
        "The first part of the paths of the store's Swift API; `\"\"` is nowhere.",
    ),
    Row::live(
        "domains",
        Kind::Text { max: 1000, ascii: true },
        r#""""#,
        "Host names, separated by blanks, below which clients put the bucket: `s3.example.org` for `bucket.s3.example.org`. With any, a write under a host that is none of these and could name a bucket is refused; with none, the path names the bucket.",
    ),
    Row::live(
        "host_buckets",
        Kind::Text { max: 10_000, ascii: true },
        r#""""#,
        "Hosts that stand for a bucket, as `host=bucket` separated by blanks: access points' (`photos-123456789012.s3-accesspoint.eu-west-1.amazonaws.com=photos`), or names of your own.",
    ),
    Row::live(
        "bucket_aliases",
        Kind::Text { max: 10_000, ascii: true },
        r#""""#,
        "Other names of buckets, as `alias=bucket` separated by blanks, such as an access point's `photos-x1y2-s3alias=photos`: rules and records take them for the bucket.",
    ),
];

pub(super) const LOG: &[Row] = &[
    Row::fixed(
        "format",
        words(&["human", "json"]),
        r#""human""#,
        "Text for a terminal, or one JSON object a line.",
    ),
    Row::fixed(
        "level",
        words(&["error", "warn", "info", "debug", "trace"]),
        r#""info""#,
        "What is important enough to be logged.",
    ),
];

pub(super) const RUNTIME: &[Row] = &[
    Row::fixed(
        "workers",
        Kind::Count { min: 0, max: 1024 },
        "0",
        "Threads that move bytes; 0 is one for each core.",
    ),
    Row::live(
        "digests",
        words(&["auto", "portable"]),
        r#""auto""#,
        "`auto` takes the fastest digest code of this processor, `portable` the one that runs everywhere.",
    ),
];
