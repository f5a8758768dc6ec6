//! Where texts come from; the implementation over files stands outside.

/// The most bytes of one file of an environment.
pub const MAX_FILE: usize = 1 << 20;

/// Gives the bytes of files of the repository.
pub trait Loader {
    /// The bytes of the file at `path`: relative to the repository, `/` between
    /// its parts, none of them `..`.
    ///
    /// # Errors
    /// Why there are none to read. A file larger than [`MAX_FILE`] need not be
    /// read to be refused.
    fn load(&self, path: &str) -> Result<Loaded, LoadError>;

    /// The names of the files in the folder of `path`, to tell which was meant;
    /// none where that is not known.
    fn siblings(&self, path: &str) -> Vec<String> {
        let _ = path;
        Vec::new()
    }
}

/// A repository of one file: its path, and its text.
#[derive(Debug, Clone)]
pub struct OneFile<T>(pub &'static str, pub T);

impl<T: AsRef<str>> Loader for OneFile<T> {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        if path != self.0 {
            return Err(LoadError::NotFound);
        }
        Ok(Loaded { bytes: self.1.as_ref().as_bytes().to_vec(), real: path.to_owned() })
    }
}

/// A file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// The one path of the file, whatever links lead to it.
    pub real: String,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// There is none.
    #[error("there is no such file")]
    NotFound,
    /// A link leads out of the repository.
    #[error("it lies outside the repository")]
    Outside,
    /// It is larger than [`MAX_FILE`].
    #[error("it is larger than {} KiB", MAX_FILE / 1024)]
    TooLarge,
    /// It is a folder, a pipe, a device.
    #[error("it is not a file")]
    NotAFile,
    /// What the operating system says.
    #[error("{0}")]
    Other(String),
}
