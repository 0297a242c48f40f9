//! A gate's configuration, as a file in a directory of its own.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use super::gate::Gate;
use super::sample;
use super::store::Store;

/// One list, with the digests of what is on it.
#[derive(Clone, Debug)]
pub struct List {
    name: String,
    hash: &'static str,
    polarity: &'static str,
    mode: &'static str,
    text: String,
    options: &'static str,
}

impl List {
    /// A list called `police` that blocks these bodies, by SHA-256.
    pub fn blocking(bodies: &[&[u8]]) -> Self {
        Self::of("police", bodies, "sha256", sample::sha256)
    }

    /// The same by MD5.
    pub fn blocking_md5(name: &str, bodies: &[&[u8]]) -> Self {
        Self::of(name, bodies, "md5", sample::md5)
    }

    /// The same by SHA-1.
    pub fn blocking_sha1(name: &str, bodies: &[&[u8]]) -> Self {
        Self::of(name, bodies, "sha1", sample::sha1)
    }

    /// A list called `pictures` that blocks what looks like these.
    pub fn of_pictures(bodies: &[&[u8]]) -> Self {
        Self::of("pictures", bodies, "pdq", sample::pdq)
    }

    /// A list called `known-good` that acquits these bodies.
    pub fn allowing(bodies: &[&[u8]]) -> Self {
        let list = Self::of("known-good", bodies, "sha256", sample::sha256);
        List { polarity: "allow", ..list }
    }

    fn of(name: &str, bodies: &[&[u8]], hash: &'static str, digest: fn(&[u8]) -> String) -> Self {
        let text = bodies.iter().map(|body| digest(body) + "\n").collect();
        let name = name.to_owned();
        List { name, hash, polarity: "block", mode: "enforce", text, options: "" }
    }

    /// The same under another name.
    pub fn named(self, name: &str) -> Self {
        List { name: name.to_owned(), ..self }
    }

    /// The same, only watching.
    pub fn shadow(self) -> Self {
        List { mode: "shadow", ..self }
    }

    /// The same with more options, as TOML.
    pub fn with(self, options: &'static str) -> Self {
        List { options, ..self }
    }

    /// The same with this text, whose lines name the kind of each hash.
    pub fn tagged(self, text: &str) -> Self {
        List { hash: "", text: text.to_owned(), ..self }
    }

    /// The same with another text.
    pub fn text(self, text: &str) -> Self {
        List { text: text.to_owned(), ..self }
    }

    /// The file that it is read from, below the gate's directory.
    pub fn file(name: &str) -> String {
        format!("{name}.txt")
    }
}

/// What a gate will be started with.
pub struct Setup {
    /// Where the store is; `None` where tables or options say it.
    upstream: Option<SocketAddr>,
    /// Options by section, as TOML.
    sections: BTreeMap<&'static str, Vec<String>>,
    lists: Vec<List>,
    /// `[[list]]` and `[[bucket]]` tables as they stand in the file.
    tables: String,
    directory: TempDir,
}

impl Setup {
    /// A gate in front of a store, without lists.
    pub fn before(store: &Store) -> Self {
        Self::before_address(store.address())
    }

    /// A gate in front of whatever is at an address.
    pub fn before_address(upstream: SocketAddr) -> Self {
        Self::before_any(Some(upstream))
    }

    /// A gate in front of the stores that its options or tables will name.
    pub fn before_others() -> Self {
        Self::before_any(None)
    }

    fn before_any(upstream: Option<SocketAddr>) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let setup = Setup {
            upstream,
            sections: BTreeMap::new(),
            lists: Vec::new(),
            tables: String::new(),
            directory,
        };
        setup.set("refusal", "contact = \"abuse@example.org\"")
    }

    /// A gate in front of a store that refuses these bodies.
    pub fn refusing(store: &Store, bodies: &[&[u8]]) -> Self {
        Self::before(store).list(List::blocking(bodies))
    }

    /// With one more list.
    pub fn list(mut self, list: List) -> Self {
        self.lists.push(list);
        self
    }

    /// With one more option of a section, as a line of TOML.
    pub fn set(mut self, section: &'static str, line: &str) -> Self {
        self.sections.entry(section).or_default().push(line.to_owned());
        self
    }

    /// With small limits, so that small bodies take the ways of large ones: up to 8 KiB is small,
    /// images are held up to 256 KiB.
    pub fn small_limits(self) -> Self {
        self.set("limits", "small_body_max = \"8KiB\"").set("limits", "capture_max = \"256KiB\"")
    }

    /// With more tables, as they stand in the file.
    pub fn tables(mut self, text: &str) -> Self {
        self.tables.push_str(text);
        self.tables.push('\n');
        self
    }

    /// Where everything only watches.
    pub fn watching(self) -> Self {
        self.tables("[[bucket]]\nmatch = \"*\"\nmode = \"shadow\"\n")
    }

    /// The gate's directory.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_path_buf()
    }

    /// Starts the gate and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Gate {
        Gate::start(self, "/readyz")
    }

    /// Starts the gate and waits only until it lives.
    #[track_caller]
    pub fn start_unready(self) -> Gate {
        Gate::start(self, "/livez")
    }

    /// Writes the lists' files and the configuration.
    pub fn write(&self, addresses: &Addresses) -> PathBuf {
        for list in &self.lists {
            let path = self.directory.path().join(List::file(&list.name));
            std::fs::write(path, &list.text).expect("a file can be written");
        }
        let path = self.directory.path().join("s3bouncer.toml");
        std::fs::write(&path, self.text(addresses)).expect("a file can be written");
        path
    }

    /// The directory, which is deleted when the guard is dropped.
    pub fn into_directory(self) -> TempDir {
        self.directory
    }

    fn text(&self, addresses: &Addresses) -> String {
        let mut sections = self.sections.clone();
        let mut add = |section, line| sections.entry(section).or_default().push(line);
        add("listener", format!("address = \"{}\"", addresses.listener));
        if let Some(upstream) = self.upstream {
            add("upstream", format!("endpoint = \"http://{upstream}\""));
        }
        add("admin", format!("address = \"{}\"", addresses.admin));
        let mut text = String::new();
        for (section, lines) in &sections {
            // Where there is one more, each has to be one of an array.
            let header = match self.tables.contains(&format!("[[{section}]]")) {
                true => format!("[[{section}]]"),
                false => format!("[{section}]"),
            };
            text.push_str(&format!("{header}\n{}\n\n", lines.join("\n")));
        }
        text.extend(self.lists.iter().map(table));
        text + &self.tables
    }
}

fn table(list: &List) -> String {
    let List { name, hash, polarity, mode, options, .. } = list;
    let source = List::file(name);
    let format = match hash.is_empty() {
        true => "format = \"tagged\"".to_owned(),
        false => format!("format = \"plain\"\nhash = \"{hash}\""),
    };
    format!(
        "[[list]]\nname = \"{name}\"\nsource = \"{source}\"\n{format}\n\
         polarity = \"{polarity}\"\nmode = \"{mode}\"\n\
         contact = \"hotline@example.org\"\n{options}\n\n"
    )
}

/// Where a gate listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// For clients.
    pub listener: SocketAddr,
    /// For operators.
    pub admin: SocketAddr,
}

impl Addresses {
    /// Two addresses that are free now.
    pub fn free() -> Self {
        Addresses { listener: free_address(), admin: free_address() }
    }
}

/// A free address on a port below those that the kernel hands out by itself, so that no client's
/// connection takes it before its gate does.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u32 = 12_000;
    const PORTS: u32 = 20_000;
    loop {
        let number = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        // Processes that run at once begin at different places.
        let port = FIRST + (std::process::id() * 997 + number) % PORTS;
        let address = SocketAddr::from(([127, 0, 0, 1], port as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
