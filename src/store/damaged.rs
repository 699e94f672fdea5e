//! Opening what is damaged without making it worse, to build it anew.

use std::io::Read as _;
use std::ops::Bound;
use std::path::Path;

use redb::{BackendError, StorageBackend};

use crate::error::{Error, Result};
use crate::store::database::Engine;
use crate::store::file::{io_error, open_existing};
use crate::store::open::on_engine;
use crate::store::{Access, ImageStore, OpenOptions, WaitLimit, by_slot, redo, untouched};
use crate::tables;

/// The byte that everybody who has the file open to write keeps locked, those who share it together
/// (docs/design.md of redb, "Lock bytes").
const OPEN_BYTE: Bound<u64> = Bound::Included((1 << 62) + 1);

/// How far a file is searched for the tables of a store. They are listed in one of the first pages
/// of a new store, and again and again later.
const SEARCHED: u64 = 64 << 20;

/// A store that is to be repaired, and that nobody else writes to while this lives.
pub(crate) struct Damaged {
    pub(crate) store: ImageStore,
    /// Why it cannot be opened to write, where it cannot.
    pub(crate) refused: Option<String>,
    /// Whether it is the state before the last commit, which cannot be read.
    pub(crate) is_earlier: bool,
    /// Whether a redo log that is there may continue a later state than this.
    pub(crate) may_lack_log: bool,
    /// How many entries of a damaged redo log it has, where it has some.
    pub(crate) log_entries: Option<u64>,
    /// Keeps others from opening it to write, where the store is only open to read.
    _alone: Option<Box<dyn StorageBackend>>,
}

impl Damaged {
    /// A store in its latest state, as far as the file tells.
    fn of(store: ImageStore) -> Self {
        Self {
            store,
            refused: None,
            is_earlier: false,
            may_lack_log: false,
            log_entries: None,
            _alone: None,
        }
    }
}

impl OpenOptions {
    /// Opens the store at `path` to repair it: to write, which keeps others out, if the engine can
    /// open it so and close it well. Where it cannot, to try would cost what can still be read, so
    /// then it is read as it is.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub(crate) fn open_damaged(self, path: &Path) -> Result<Damaged> {
        let exclusive = self.clone().access(Access::Exclusive).create(false);
        let open_to_write = || {
            let store = match exclusive.clone().open(path) {
                // Of its log, of what that would change, or of what the file says of itself: the store
                // itself may be whole.
                Err(refused) if may_open_as_it_is(&refused) => {
                    if matches!(refused, Error::RedoLogMissing { .. })
                        && let Ok(damaged) = self.clone().open_with_part_of_log(path)
                    {
                        return Ok(damaged);
                    }
                    let unmended = exclusive.clone().unmended().open(path);
                    unmended.map_err(|_| refused)?
                }
                opened => opened?,
            };
            Ok(Damaged::of(store))
        };
        // The first answer may come of what another writes at the moment.
        if untouched::opens_to_write(path, &self).is_ok() {
            match open_to_write() {
                Err(Error::Corrupt { .. }) => {}
                opened => return opened,
            }
        }
        let alone = alone(path, &self)?;
        let Err(refused) = untouched::opens_to_write(path, &self) else {
            drop(alone);
            return open_to_write();
        };
        let Error::Corrupt { what, .. } = &refused else {
            return Err(refused);
        };
        let anew = self.clone().open_beginning_anew(path);
        // An older schema stays where the engine opens the file to read it and to nothing else.
        let anew = anew.or_else(|_| self.clone().unmended().open_beginning_anew(path));
        let mut damaged = match anew {
            Ok(store) => Damaged::of(store),
            Err(_) => match self.open_by_slot(path) {
                Ok(damaged) => damaged,
                Err(_) => return Err(refused),
            },
        };
        damaged.refused = Some(what.clone());
        damaged._alone = Some(Box::new(alone));
        Ok(damaged)
    }

    /// Opens the store at `path` by the first of its commit slots that leads to a store.
    fn open_by_slot(self, path: &Path) -> Result<Damaged> {
        let options = self.read_only(true).unmended();
        let [latest, earlier] = by_slot::slots(path, &options)?;
        let open = |slot, is_earlier| {
            let reached = by_slot::open(path, &options, slot)?;
            Ok(Damaged {
                is_earlier,
                may_lack_log: is_earlier && !reached.has_log,
                log_entries: reached.log_entries,
                ..Damaged::of(on_engine(path, reached.engine, &options)?)
            })
        };
        open(&latest, false).or_else(|_: Error| open(&earlier, true))
    }

    /// Opens the store at `path` with what its redo log holds up to where that is damaged. It is done in
    /// memory: neither file is changed.
    fn open_with_part_of_log(self, path: &Path) -> Result<Damaged> {
        let alone = alone(path, &self)?;
        let options = self.read_only(true);
        let (database, entries) = untouched::open_with_part_of_log(path, &options)?;
        Ok(Damaged {
            log_entries: Some(entries),
            _alone: Some(Box::new(alone)),
            ..Damaged::of(on_engine(path, Engine::Copy(database), &options)?)
        })
    }
}

/// Whether a store may open that is [taken as it is](OpenOptions::unmended).
fn may_open_as_it_is(refused: &Error) -> bool {
    match refused {
        Error::RedoLogMissing { .. } | Error::Corrupt { .. } | Error::ForeignDatabase { .. } => {
            true
        }
        Error::Io { action, .. } => *action == redo::READ,
        _ => false,
    }
}

/// Waits until nobody has the file open to write, and keeps it so; whoever reads goes on.
///
/// # Errors
///
/// [`Error::Busy`] where somebody still has at the end of the wait.
fn alone(path: &Path, options: &OpenOptions) -> Result<impl StorageBackend + use<>> {
    let wait = WaitLimit::from_now(options.lock_wait);
    let file = open_existing(path, true)?;
    let below = options
        .storage
        .on(file)
        .map_err(|failure| failure.at(path))?;
    for pause in wait.pauses() {
        match below.try_lock_range(OPEN_BYTE, OPEN_BYTE) {
            Ok(true) | Err(BackendError::Unsupported) => return Ok(below),
            Ok(false) => std::thread::sleep(pause),
            Err(error) => {
                let error = std::io::Error::other(error);
                return Err(io_error("lock", path, error));
            }
        }
    }
    Err(wait.busy(path))
}

/// Whether a file that the engine does not know for its own was a store: it still begins as one, or
/// lists the tables of one.
pub(super) fn was_a_store(path: &Path) -> bool {
    let looked_for = memchr::memmem::Finder::new(tables::LISTED);
    let look = || {
        let mut file = open_existing(path, false).ok()?.take(SEARCHED);
        let mut bytes = vec![0; 1 << 20];
        let mut kept = 0;
        let mut is_first = true;
        loop {
            let read = file.read(bytes.get_mut(kept..)?).ok()?;
            let filled = bytes.get(..kept + read)?;
            let begins = is_first && filled.starts_with(b"redb");
            if begins || looked_for.find(filled).is_some() {
                return Some(());
            }
            if read == 0 {
                return None;
            }
            is_first = false;
            // What is looked for may lie across two pieces.
            let kept_from = filled.len().saturating_sub(tables::LISTED.len());
            kept = filled.len() - kept_from;
            bytes.copy_within(kept_from..kept_from + kept, 0);
        }
    };
    look().is_some()
}
