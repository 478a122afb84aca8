//! The world on disk: a picture of it, and the calls that changed it since. Layer 8.
//!
//! The same calls at the same ticks make the same world, so a call is kept as the line that was asked and no picture
//! needs to be taken after each. A process that is killed loses nothing that it answered.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{call::Request, sim::World};

/// How many calls are kept as lines before a new picture is taken.
const LINES_MAX: usize = 1_000;

/// A world's files: `world.json`, and `world.calls` beside it.
pub(crate) struct Store {
    path: PathBuf,
    journal: File,
    lines: usize,
}

/// A call that changed the world: the clock and the counter that it met.
#[derive(Serialize, Deserialize)]
struct Line {
    now: u64,
    counter: u64,
    request: Request,
}

impl Store {
    /// The world in a file, or else the fresh one. `carry_out` is asked for each call that is not in the picture yet.
    ///
    /// # Errors
    /// The files cannot be read or written, hold no world of this region, or are in use by another process.
    pub(crate) fn open(path: &Path, fresh: World, carry_out: impl Fn(&mut World, &Request)) -> io::Result<(World, Self)> {
        let region = fresh.region.clone();
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let journal = OpenOptions::new().read(true).append(true).create(true).open(path.with_extension("calls"))?;
        journal.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::new(io::ErrorKind::ResourceBusy, "another process uses it"),
        })?;
        let mut world = match fs::read(path) {
            Ok(bytes) => {
                serde_json::from_slice::<World>(&bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it holds no world"))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => fresh,
            Err(error) => return Err(error),
        };
        world.sort_interfaces();
        if world.region != region {
            let message = format!("it is of region `{}`, not `{region}`", world.region);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut store = Self { path: path.into(), journal, lines: 0 };
        for line in BufReader::new(&store.journal).lines() {
            // The last line may be torn by a kill: its call was never answered.
            let Ok(line) = serde_json::from_str::<Line>(&line?) else { break };
            if line.now > world.now {
                world.advance(line.now - world.now);
                world.counter = line.counter;
                carry_out(&mut world, &line.request);
            }
            store.lines += 1;
        }
        if store.lines > 0 {
            store.picture(&world)?;
        }
        Ok((world, store))
    }

    /// Keeps a call that was carried out.
    pub(crate) fn append(&mut self, now: u64, counter: u64, request: &Request, world: &World) -> io::Result<()> {
        if self.lines >= LINES_MAX {
            return self.picture(world);
        }
        let mut line = serde_json::to_vec(&Line { now, counter, request: request.clone() })?;
        line.push(b'\n');
        self.journal.write_all(&line)?;
        self.lines += 1;
        Ok(())
    }

    /// Takes a new picture, in a new file that then takes the old one's place; the lines before it are no longer needed.
    pub(crate) fn picture(&mut self, world: &World) -> io::Result<()> {
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec(world)?)?;
        fs::rename(&new, &self.path)?;
        self.journal.set_len(0)?;
        self.journal.rewind()?;
        self.lines = 0;
        Ok(())
    }
}
