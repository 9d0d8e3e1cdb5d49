//! Files that people name: text, whichever editor or shell wrote it, and files that are written whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use tempfile::{Builder, NamedTempFile};

/// Bytes that are not text in the encoding that they announce.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not text in {0}")]
pub struct NotText(pub &'static str);

/// A file without text.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("cannot read {} ({error}); check the path and the permissions", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{} {error}; save it as UTF-8 in an editor", path.display())]
    Encoding { path: PathBuf, error: NotText },
}

/// The text of bytes in UTF-8, with or without a byte-order mark, or in UTF-16 with one. The mark is left out.
///
/// # Errors
/// The bytes are not valid in that encoding.
pub fn decode(bytes: &[u8]) -> Result<String, NotText> {
    let encoding = Encoding::for_bom(bytes).map_or(encoding_rs::UTF_8, |it| it.0);
    match encoding.decode_with_bom_removal(bytes) {
        (text, false) => Ok(text.into_owned()),
        (_, true) => Err(NotText(encoding.name())),
    }
}

/// Bytes that may be text: text with a byte-order mark in UTF-8 without one, and other bytes as they are.
#[must_use]
pub fn in_utf8(bytes: Vec<u8>) -> Vec<u8> {
    match Encoding::for_bom(&bytes) {
        Some(_) => decode(&bytes).map_or(bytes, String::into_bytes),
        None => bytes,
    }
}

/// The text of a file, as [`decode`] reads it.
///
/// # Errors
/// The file cannot be read, or is not text.
pub fn read_text(path: &Path) -> Result<String, Unreadable> {
    let bytes = fs::read(path).map_err(|error| Unreadable::File { path: path.into(), error })?;
    decode(&bytes).map_err(|error| Unreadable::Encoding { path: path.into(), error })
}

/// The bytes of a file of up to so many. `None`: it is longer.
///
/// # Errors
/// The file cannot be read, or it is a folder, a device or a pipe: reading one of those may never end.
pub fn read_up_to(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    // To open a pipe waits for a writer, so it is looked at first.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is a folder, a device or a pipe, and a file is needed"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|it| it.len() <= limit))
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// The owner alone: for private keys.
    Owner,
    /// As the system's default for new files. A file that is replaced keeps its permissions.
    Usual,
    /// The permissions of another file and, where this account may set it, its owner.
    Like(&'a Path),
}

/// Writes a file whole or not at all: until the new content is complete on disk, a reader sees the former content.
///
/// # Errors
/// The folder or the file cannot be written. The former file is unchanged.
pub fn write(path: &Path, contents: &[u8], access: Access<'_>) -> io::Result<()> {
    Draft::beside(path, contents, access)?.replace(path)
}

/// Content that is complete on disk, in the folder of the file that it is for. Dropping it deletes it.
#[derive(Debug)]
pub struct Draft(NamedTempFile);

impl Draft {
    /// Writes the content beside `path`, under a random name.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn beside(path: &Path, contents: &[u8], access: Access<'_>) -> io::Result<Self> {
        let former = match access {
            Access::Owner => None,
            Access::Usual => fs::metadata(path).ok(),
            Access::Like(other) => Some(fs::metadata(other)?),
        };
        Self::fill(Builder::new().prefix(".locmfa-"), path, contents, access, former.as_ref())
    }

    /// Writes the content to `draft`, which keeps out every other program that does so.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`]: `draft` is there. The folder cannot be written.
    pub fn alone(draft: &Path, contents: &[u8], access: Access<'_>) -> io::Result<Self> {
        let former = match access {
            Access::Owner | Access::Usual => None,
            Access::Like(other) => Some(fs::metadata(other)?),
        };
        let name = draft.file_name().unwrap_or_default();
        Self::fill(Builder::new().prefix(name).suffix("").rand_bytes(0), draft, contents, access, former.as_ref())
    }

    fn fill(
        builder: &mut Builder<'_, '_>,
        path: &Path,
        contents: &[u8],
        access: Access<'_>,
        former: Option<&Metadata>,
    ) -> io::Result<Self> {
        // Without permissions the builder makes the file for its owner alone.
        #[cfg(unix)]
        if matches!((access, former), (Access::Usual, None)) {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        #[cfg(not(unix))]
        let _ = access;
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(contents)?;
        if let Some(former) = former {
            #[cfg(unix)]
            if matches!(access, Access::Like(_)) {
                use std::os::unix::fs::{MetadataExt, fchown};
                // Only root may give files away. Others own the files that they may replace, as a rule.
                let _ = fchown(file.as_file(), Some(former.uid()), Some(former.gid()));
            }
            file.as_file().set_permissions(former.permissions())?;
        }
        file.as_file().sync_all()?;
        Ok(Self(file))
    }

    /// Moves the content to `path`, over what is there.
    ///
    /// # Errors
    /// The file cannot be replaced.
    pub fn replace(self, path: &Path) -> io::Result<()> {
        self.0.persist(path).map(drop).map_err(|it| it.error)
    }

    /// Moves the content to `path`.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`]: something is there, and stays.
    pub fn create(self, path: &Path) -> io::Result<()> {
        self.0.persist_noclobber(path).map(drop).map_err(|it| it.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            folder.read_dir().unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn text_is_read_in_every_encoding_that_editors_write() {
        let wide = |unit: fn(u16) -> [u8; 2]| "\u{feff}é\r\n".encode_utf16().flat_map(unit).collect::<Vec<_>>();
        for bytes in ["é\r\n".as_bytes(), "\u{feff}é\r\n".as_bytes(), &wide(u16::to_le_bytes), &wide(u16::to_be_bytes)]
        {
            assert_eq!(decode(bytes).unwrap(), "é\r\n", "{bytes:?}");
        }
        assert_eq!(decode(b"").unwrap(), "");
        assert_eq!(decode(b"caf\xe9").unwrap_err(), NotText("UTF-8"));
        assert_eq!(decode(b"\xff\xfea").unwrap_err(), NotText("UTF-16LE"));
    }

    #[test]
    fn a_file_without_text_is_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let missing = read_text(&file).unwrap_err().to_string();
        assert!(missing.contains("token") && missing.contains("check the path"), "{missing}");
        fs::write(&file, b"secret\xff").unwrap();
        let wrong = read_text(&file).unwrap_err().to_string();
        assert!(wrong.contains("save it as UTF-8") && !wrong.contains("secret"), "{wrong}");
    }

    #[test]
    fn a_file_is_replaced_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        for contents in ["one", "two"] {
            write(&file, contents.as_bytes(), Access::Usual).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), contents);
        }
        drop(Draft::beside(&file, b"three", Access::Usual).unwrap());
        let taken = Draft::beside(&file, b"three", Access::Usual).unwrap().create(&file).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names(folder.path())), ("two", vec!["file".into()]));
        assert!(write(&folder.path().join("none/file"), b"", Access::Usual).is_err());
    }

    #[test]
    fn one_draft_of_a_name_keeps_out_another() {
        let folder = tempfile::tempdir().unwrap();
        let [file, draft] = ["file", "draft"].map(|it| folder.path().join(it));
        let first = Draft::alone(&draft, b"one", Access::Usual).unwrap();
        let second = Draft::alone(&draft, b"two", Access::Usual).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
        first.replace(&file).unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), names(folder.path())), ("one", vec!["file".into()]));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_that_are_asked_for() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [one, other, plain] = ["one", "other", "plain"].map(|it| folder.path().join(it));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        fs::write(&plain, "").unwrap();
        write(&one, b"", Access::Usual).unwrap();
        assert_eq!(mode(&one), mode(&plain));
        fs::set_permissions(&one, PermissionsExt::from_mode(0o640)).unwrap();
        write(&one, b"", Access::Usual).unwrap();
        write(&other, b"", Access::Like(&one)).unwrap();
        assert_eq!((mode(&one), mode(&other)), (0o640, 0o640));
        write(&one, b"", Access::Owner).unwrap();
        assert_eq!(mode(&one), 0o600);
    }
}
