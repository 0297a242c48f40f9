//! The list bench beside LMDB (`heed`) and redb, with the same made-up entries in one process.
//!
//! ```text
//! cargo run --release --manifest-path benches/peers/Cargo.toml -- [ENTRIES]
//! ```

#[allow(dead_code)] // Its own `main` is not ours.
#[path = "../../list.rs"]
mod list;

use std::error::Error;
use std::path::Path;

use heed::types::Bytes;
use heed::{EnvFlags, EnvOpenOptions, PutFlags};
use redb::{ReadableDatabase as _, TableDefinition};

const TABLE: TableDefinition<&[u8; 32], u64> = TableDefinition::new("entries");
/// What LMDB may map: more than any file of this bench.
const MAP_BYTES: usize = 64 << 30;

fn main() -> Result<(), Box<dyn Error>> {
    let entries = list::entries_from(std::env::args())?;
    let folder = tempfile::tempdir()?;
    list::measure(folder.path(), entries)?;
    let mut keys: Vec<[u8; 32]> = (0..entries).map(bytes).collect();
    keys.sort_unstable();
    lmdb(folder.path(), &keys)?;
    redb(folder.path(), &keys)
}

fn bytes(i: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(list::made_up(i).as_bytes());
    bytes
}

fn lmdb(folder: &Path, keys: &[[u8; 32]]) -> Result<(), Box<dyn Error>> {
    let folder = folder.join("lmdb");
    std::fs::create_dir(&folder)?;
    let mut options = EnvOpenOptions::new();
    options.map_size(MAP_BYTES);
    // SAFETY: the folder is new and this process's alone, so that nobody else changes the file,
    // and without syncs nothing is lost that a bench would miss.
    let env = unsafe { options.flags(EnvFlags::NO_SYNC).open(&folder)? };
    let mut write = env.write_txn()?;
    let table = env.create_database::<Bytes, Bytes>(&mut write, None)?;
    for key in keys {
        table.put_with_flags(&mut write, PutFlags::APPEND, key, &0u64.to_le_bytes())?;
    }
    write.commit()?;
    let read = env.read_txn()?;
    report("LMDB", keys.len() as u64, |key| table.get(&read, key).is_ok_and(|row| row.is_some()));
    Ok(())
}

fn redb(folder: &Path, keys: &[[u8; 32]]) -> Result<(), Box<dyn Error>> {
    let database = redb::Database::create(folder.join("redb"))?;
    let write = database.begin_write()?;
    let mut table = write.open_table(TABLE)?;
    for key in keys {
        table.insert(key, 0)?;
    }
    drop(table);
    write.commit()?;
    let table = database.begin_read()?.open_table(TABLE)?;
    report("redb", keys.len() as u64, |key| table.get(key).is_ok_and(|row| row.is_some()));
    Ok(())
}

fn report(name: &str, entries: u64, find: impl Fn(&[u8; 32]) -> bool) {
    let pick = list::shuffled(entries);
    let miss = list::per_lookup(|i| find(&bytes(entries + i)), Some(0));
    let hit = list::per_lookup(|i| find(&bytes(pick(i))), Some(list::LOOKUPS));
    println!("{name}: miss {miss:.0} ns, hit {hit:.0} ns");
}
