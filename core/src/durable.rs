//! Creates folders that survive a power cut: a new folder is durable once its parent is synced.

use std::fs;
use std::io;
use std::path::Path;

use crate::save::sync_folder;

/// Creates a folder and its missing parents, and syncs the entry of each. With `is_private` only the owner has access.
pub(crate) fn make_folder(folder: &Path, is_private: bool) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    make_folder(above, is_private)?;
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    if is_private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    match builder.create(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(cause) => Err(cause),
        Ok(()) => sync_folder(above),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_with_those_above_them() {
        let home = tempfile::tempdir().unwrap();
        let deep = home.path().join("a/b/c");
        make_folder(&deep, false).unwrap();
        make_folder(&deep, true).unwrap();
        assert!(deep.is_dir());
        fs::write(home.path().join("file"), "x").unwrap();
        assert!(make_folder(&home.path().join("file/below"), false).is_err());
    }
}
