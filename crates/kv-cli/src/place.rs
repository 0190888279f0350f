//! Where a store of this program is kept: in a folder, or in memory.

use std::fmt;
use std::path::{Path, PathBuf};

use kv_core::genserver::StartError;
use kv_core::{Durable, DurableMode, OpenError, Store, StoreOptions};

use crate::arguments::StoreArguments;
use crate::exit::{Exit, Failure};
use crate::folders;

/// Where a store is kept.
#[derive(Debug)]
pub(crate) enum Place {
    Memory,
    Folder(PathBuf, DurableMode),
}

impl Place {
    /// The place that the arguments name.
    pub(crate) fn named(arguments: StoreArguments) -> Result<Self, Failure> {
        if arguments.memory {
            return Ok(Self::Memory);
        }
        let folder = arguments.data.or_else(folders::data).ok_or_else(|| {
            let message = "there is no folder for the store: neither XDG_DATA_HOME nor HOME is set; name one with --data, or \
                           keep the store in memory with --memory";
            Failure::new(Exit::Refused, message)
        })?;
        Ok(Self::Folder(folder, arguments.sync.unwrap_or_default()))
    }

    /// The folder, if it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        if let Self::Folder(folder, _) = self { Some(folder) } else { None }
    }

    /// Starts the store that is kept here.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        self.open_with(Store::options()).await
    }

    /// The same, with options of the store.
    pub(crate) async fn open_with(&self, options: StoreOptions) -> Result<Store, Failure> {
        let options = match self {
            Self::Memory => options,
            Self::Folder(folder, mode) => {
                folders::create_private(folder).map_err(|error| unusable(folder, &error))?;
                let opened = Durable::options(folder).mode(*mode).open().await;
                options.storage(opened.map_err(|error| refused(&error))?)
            }
        };
        options.start().await.map_err(|error: StartError| Failure::new(Exit::Server, error))
    }
}

/// For a greeting.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("the store is in memory, and gone with this program"),
            Self::Folder(folder, _) => write!(f, "the store is in {}", folder.display()),
        }
    }
}

fn unusable(folder: &Path, error: &std::io::Error) -> Failure {
    let message = format_args!("{} cannot be used: {error}; name another folder with --data", folder.display());
    Failure::new(Exit::Io, message)
}

/// The failure of a folder that is not opened, in the words of this program.
pub(crate) fn refused(error: &OpenError) -> Failure {
    match error {
        OpenError::InUse { .. } => Failure::new(Exit::InUse, error),
        OpenError::NotAStore { .. } | OpenError::OtherFormat { .. } => Failure::new(Exit::Refused, error),
        OpenError::Damaged { folder, what } => {
            let folder = folder.display();
            let message = format_args!(
                "the store in {folder} is damaged: {what}; kv repair --data {folder} keeps what comes before the damage"
            );
            Failure::new(Exit::Damaged, message)
        }
        _ => Failure::new(Exit::Io, error),
    }
}
