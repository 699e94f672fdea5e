//! Storage that fails when it is told to.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use redb::StorageBackend;

use crate::disk::Part;
use crate::place::Files;

/// What the system is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Read,
    Write,
    Sync,
    SetLen,
    Length,
}

pub const CALLS: [Call; 5] = [
    Call::Read,
    Call::Write,
    Call::Sync,
    Call::SetLen,
    Call::Length,
];

/// Lets one call fail, once.
#[derive(Clone, Debug, Default)]
pub struct Fault(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// The kind of call, how many of it succeed before, and the error.
    armed: Option<(Call, usize, i32)>,
    happened: bool,
}

impl Fault {
    pub fn new(call: Call, nth: usize, errno: i32) -> Self {
        let armed = Some((call, nth, errno));
        Self(Arc::new(Mutex::new(Plan {
            armed,
            happened: false,
        })))
    }

    pub fn happened(&self) -> bool {
        self.0.lock().unwrap().happened
    }

    /// The cause is gone.
    pub fn disarm(&self) {
        self.0.lock().unwrap().armed = None;
    }

    fn ask(&self, asked: Call) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        match &mut plan.armed {
            Some((call, 0, errno)) if *call == asked => {
                let error = io::Error::from_raw_os_error(*errno);
                plan.armed = None;
                plan.happened = true;
                Err(error)
            }
            Some((call, left, _)) if *call == asked => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Storage in which the fault happens.
#[derive(Clone, Debug)]
pub struct Faulty<B> {
    pub inner: B,
    pub fault: Fault,
}

impl<F: Files> Files for Faulty<F> {
    type File = Faulty<F::File>;

    fn file(&self, part: Part) -> Self::File {
        Faulty {
            inner: self.inner.file(part),
            fault: self.fault.clone(),
        }
    }
}

impl<B: StorageBackend> StorageBackend for Faulty<B> {
    fn len(&self) -> io::Result<u64> {
        self.fault.ask(Call::Length)?;
        self.inner.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.fault.ask(Call::Read)?;
        self.inner.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fault.ask(Call::SetLen)?;
        self.inner.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.fault.ask(Call::Sync)?;
        self.inner.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if let Err(error) = self.fault.ask(Call::Write) {
            // A write that fails may have been done in part.
            self.inner.write(offset, &data[..data.len() / 2])?;
            return Err(error);
        }
        self.inner.write(offset, data)
    }
    image_store::passes_on!(inner: close, locks);
}
