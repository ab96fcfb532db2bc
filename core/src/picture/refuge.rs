//! Saves pictures that were paid for and cannot be delivered, in the first folder that accepts them.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crate::image::Image;
use crate::save::{Durable, numbered};

/// The start of the file names.
const STEM: &str = "nanobanana-kept";

/// The timeout for each folder. A disk that does not answer is skipped.
const PATIENCE: Duration = Duration::from_secs(3);

/// Writes the picture into the first folder that accepts it: the intended folder, the current folder, the temporary
/// folders of the system, the home folder, and last shared memory. Existing files are not replaced. Blocks, for a few
/// seconds if a disk does not answer.
///
/// # Errors
/// A sentence that names the reasons, if no folder accepted it.
pub fn keep(picture: &Image, near: Option<&Path>) -> Result<PathBuf, String> {
    let mut reasons = Vec::new();
    for place in places(near) {
        let (send, receive) = mpsc::channel();
        let write = |picture: &Image, folder: &Path| {
            picture.claim(folder, numbered(STEM).map(Into::into), None, Durable::Contents)
        };
        let (image, folder, from_thread) = (picture.clone(), place.clone(), send.clone());
        let work = move || {
            // After the timeout nobody receives this, and the file is one more than needed.
            let _ = from_thread.send(write(&image, &folder));
        };
        if std::thread::Builder::new().spawn(work).is_err() {
            // Without a thread the write has no timeout, which is better than no write.
            let _ = send.send(write(picture, &place));
        }
        match receive.recv_timeout(PATIENCE) {
            Ok(Ok((path, _))) => return Ok(path),
            Ok(Err(error)) => reasons.push(error.words().to_string()),
            Err(_) => reasons.push(format!("{} does not answer", place.display())),
        }
    }
    Err(format!("a picture could not be kept anywhere, and is lost: {}", reasons.join("; ")))
}

fn places(near: Option<&Path>) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = near.map(Path::to_path_buf).into_iter().collect();
    all.extend(std::env::current_dir());
    all.push(std::env::temp_dir());
    if cfg!(unix) {
        all.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
    }
    all.extend(std::env::home_dir());
    if cfg!(target_os = "linux") {
        all.push("/dev/shm".into());
    }
    let mut places: Vec<PathBuf> = Vec::new();
    for place in all {
        // Absolute paths are valid in every working directory.
        let Ok(place) = std::path::absolute(place) else { continue };
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::image::Pixels;

    #[test]
    fn a_picture_is_kept_where_it_was_meant_to_be_and_else_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let picture =
            Image::from_pixels(&Pixels { width: 2, height: 2, channels: 1, data: vec![7; 4] }).unwrap();
        let at = |path: &Path| keep(&picture, Some(path)).unwrap();
        assert_eq!(at(folder.path()), folder.path().join("nanobanana-kept.png"));
        assert_eq!(at(folder.path()), folder.path().join("nanobanana-kept-2.png"));
        let other = at(&folder.path().join("none"));
        assert!(!other.starts_with(folder.path()));
        assert!(std::fs::read(&other).unwrap() == picture.bytes().unwrap()[..]);
        std::fs::remove_file(other).unwrap();
    }
}
