//! Environment files on disk, and nothing outside their repository.

use crate::diag::is_plain;
use crate::spec::{LoadError, Loaded, Loader, MAX_FILE};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// The files of a repository. A link that leads out of it is refused: a pull
/// request may hold one.
#[derive(Debug, Clone)]
pub struct Files {
    /// Without links.
    root: PathBuf,
}

impl Files {
    /// The files under `root`.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn rooted(root: &Path) -> io::Result<Self> {
        Ok(Self { root: fs::canonicalize(root)? })
    }

    /// The repository that `file` lies in, and the file's path in it. The
    /// repository is the nearest folder around the file with a `.git`, else the
    /// nearest with an `environments` folder, else the file's own folder.
    ///
    /// Around means by the path as it is written: a linked folder of the
    /// repository leads out of it, and what lies there is refused when it is
    /// read.
    ///
    /// # Errors
    /// Where the file's folder is not there, or a path is not UTF-8 or holds
    /// characters that steer a terminal.
    pub fn around(file: &Path) -> io::Result<(Self, String)> {
        let file = std::path::absolute(file)?;
        let name = file.file_name().ok_or(ErrorKind::InvalidInput)?;
        let folder = file.parent().ok_or(ErrorKind::InvalidInput)?;
        fs::canonicalize(folder)?;
        let root = match nearest_holding(folder, ".git")? {
            Some(root) => root,
            None => nearest_holding(folder, "environments")?.unwrap_or(folder),
        };
        let inside = folder.strip_prefix(root).unwrap_or(folder).join(name);
        let parts: Option<Vec<_>> = inside.iter().map(|part| part.to_str()).collect();
        let path = parts.filter(|parts| parts.iter().all(|part| is_plain(part)));
        let path = path.ok_or_else(|| {
            io::Error::new(
                ErrorKind::InvalidInput,
                "the path holds characters that cannot be shown",
            )
        })?;
        Ok((Self::rooted(root)?, path.join("/")))
    }

    /// The repository's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Loader for Files {
    fn load(&self, path: &str) -> Result<Loaded, LoadError> {
        let real = fs::canonicalize(self.root.join(path)).map_err(why)?;
        let inside = real.strip_prefix(&self.root).map_err(|_| LoadError::Outside)?;
        if !fs::metadata(&real).map_err(why)?.is_file() {
            return Err(LoadError::NotAFile);
        }
        // The file may grow between two looks at it: the bound is on what is read.
        let most = MAX_FILE as u64 + 1;
        let mut bytes = Vec::new();
        File::open(&real).map_err(why)?.take(most).read_to_end(&mut bytes).map_err(why)?;
        if bytes.len() > MAX_FILE {
            return Err(LoadError::TooLarge);
        }
        Ok(Loaded { bytes, real: inside.to_string_lossy().into_owned() })
    }

    fn siblings(&self, path: &str) -> Vec<String> {
        let path = self.root.join(path);
        let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
        let inside = folder.filter(|folder| folder.starts_with(&self.root));
        let entries = inside.and_then(|folder| fs::read_dir(folder).ok());
        let names = entries.into_iter().flatten().flatten().take(MOST_SIBLINGS);
        let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
        names.filter_map(name).filter(|name| is_plain(name)).collect()
    }
}

/// The most names that are looked through for the one that was meant.
const MOST_SIBLINGS: usize = 1000;

/// The nearest of `folder` and the folders around it that has a `marker`. Where
/// a link leads from one such folder to another, it is the one with the link: a
/// pull request may link to a repository that it has no business with.
fn nearest_holding<'f>(folder: &'f Path, marker: &str) -> io::Result<Option<&'f Path>> {
    let mut holding = folder.ancestors().filter(|folder| folder.join(marker).exists());
    let Some(mut nearest) = holding.next() else { return Ok(None) };
    for around in holding {
        if !fs::canonicalize(nearest)?.starts_with(fs::canonicalize(around)?) {
            nearest = around;
        }
    }
    Ok(Some(nearest))
}

fn why(error: io::Error) -> LoadError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => LoadError::NotFound,
        _ => LoadError::Other(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("repo/environments")).unwrap();
        fs::write(folder.path().join("repo/environments/base.toml"), "x = 1").unwrap();
        fs::write(folder.path().join("secret.toml"), "y = 1").unwrap();
        folder
    }

    #[test]
    fn a_file_is_known_by_its_path_in_the_repository() {
        let folder = repository();
        let file = folder.path().join("repo/environments/base.toml");
        let (files, path) = Files::around(&file).unwrap();
        assert_eq!(path, "environments/base.toml");
        let loaded = files.load(&path).unwrap();
        assert_eq!((loaded.bytes.as_slice(), loaded.real.as_str()), (&b"x = 1"[..], &*path));
    }

    #[test]
    fn what_is_no_readable_file_of_the_repository_is_refused() {
        let folder = repository();
        let repo = folder.path().join("repo");
        let files = Files::rooted(&repo).unwrap();
        assert_eq!(files.load("environments/none.toml"), Err(LoadError::NotFound));
        assert_eq!(files.load("environments/base.toml/x"), Err(LoadError::NotFound));
        assert_eq!(files.load("environments"), Err(LoadError::NotAFile));
        assert_eq!(files.load("../secret.toml"), Err(LoadError::Outside));
        let big = File::create(repo.join("big.toml")).unwrap();
        big.set_len(100 << 20).unwrap();
        assert_eq!(files.load("big.toml"), Err(LoadError::TooLarge));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_lead_within_the_repository_but_not_out_of_it() {
        use std::os::unix::fs::symlink;
        let folder = repository();
        let repo = folder.path().join("repo");
        symlink("environments/base.toml", repo.join("in.toml")).unwrap();
        symlink(folder.path().join("secret.toml"), repo.join("out.toml")).unwrap();
        let files = Files::rooted(&repo).unwrap();
        assert_eq!(files.load("in.toml").unwrap().real, "environments/base.toml");
        assert_eq!(files.load("out.toml"), Err(LoadError::Outside));
    }

    #[cfg(unix)]
    #[test]
    fn a_linked_folder_does_not_lead_out_of_the_repository() {
        use std::os::unix::fs::symlink;
        let folder = repository();
        let repo = folder.path().join("repo");
        fs::create_dir(repo.join(".git")).unwrap();
        // Another repository, that this one links to from within.
        fs::create_dir_all(folder.path().join("other/.git")).unwrap();
        fs::create_dir(folder.path().join("other/environments")).unwrap();
        fs::write(folder.path().join("other/environments/prod.toml"), "x = 1").unwrap();
        symlink("../../other/environments", repo.join("environments/sub")).unwrap();
        symlink("../other", repo.join("linked")).unwrap();
        symlink(&repo, folder.path().join("checkout")).unwrap();
        for (file, known_as) in [
            ("repo/environments/sub/prod.toml", "environments/sub/prod.toml"),
            ("repo/linked/environments/prod.toml", "linked/environments/prod.toml"),
            ("checkout/linked/environments/prod.toml", "linked/environments/prod.toml"),
        ] {
            let (files, path) = Files::around(&folder.path().join(file)).unwrap();
            assert_eq!(path, known_as);
            assert_eq!(files.root(), fs::canonicalize(&repo).unwrap());
            assert_eq!(files.load(&path), Err(LoadError::Outside), "{file}");
        }
        // The repository itself may be reached by a link.
        let file = folder.path().join("checkout/environments/base.toml");
        let (files, path) = Files::around(&file).unwrap();
        assert!(files.load(&path).is_ok());
    }

    #[test]
    fn dots_in_the_path_are_no_part_of_it() {
        let folder = repository();
        fs::create_dir(folder.path().join("repo/.git")).unwrap();
        let file = folder.path().join("repo/environments/../environments/base.toml");
        let (files, path) = Files::around(&file).unwrap();
        assert_eq!(path, "environments/base.toml");
        assert!(files.load(&path).is_ok());
    }
}
