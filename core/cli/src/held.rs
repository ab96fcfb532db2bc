//! The pictures that a command has received and not delivered yet. However the command ends, they are saved to files
//! whose names are printed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::out::tell;
use nanobanana::error::Error;
use nanobanana::image::Image;
use nanobanana::refuge;

/// How often it is checked whether the work on received pictures is done.
const STEP: Duration = Duration::from_millis(10);

/// Pictures that were received, until the user knows the names of their files.
#[derive(Default)]
pub(super) struct Held(Mutex<State>);

#[derive(Default)]
struct State {
    pictures: Vec<Image>,
    /// The intended folder.
    near: Option<PathBuf>,
    /// Files that were written and whose names were not printed yet.
    files: Vec<PathBuf>,
    /// Its clones are held by the work on received pictures.
    at_work: Arc<()>,
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the intended folder of the pictures.
    pub fn meant_for(&self, folder: &Path) {
        self.state().near = Some(folder.to_owned());
    }

    /// A handle for work on a received picture, held until the work is done.
    pub fn at_work(&self) -> Arc<()> {
        self.state().at_work.clone()
    }

    /// Adds received pictures. The same picture is added once.
    pub fn receive(&self, pictures: impl IntoIterator<Item = Image>) {
        let mut state = self.state();
        for picture in pictures {
            if !state.pictures.iter().any(|held| held.is(&picture)) {
                state.pictures.push(picture);
            }
        }
    }

    /// Adds the pictures of an error, without copies of pictures that are held.
    pub fn receive_of_error(&self, error: &Error) {
        let mut state = self.state();
        for picture in error.pictures() {
            if !state.pictures.contains(&picture) {
                state.pictures.push(picture);
            }
        }
    }

    /// Adds files that were written and whose names were not printed.
    pub fn saved_unseen(&self, files: Vec<PathBuf>) {
        let mut state = self.state();
        for file in files {
            if !state.files.contains(&file) {
                state.files.push(file);
            }
        }
    }

    /// Replaces all held pictures by these, their final versions.
    pub fn receive_all(&self, pictures: &[Image]) {
        self.state().pictures = pictures.to_vec();
    }

    /// Removes a picture that was delivered without a file.
    pub fn delivered(&self, picture: &Image) {
        self.state().pictures.retain(|held| !held.is(picture));
    }

    /// Replaces a picture by its file, whose name is still to be printed.
    pub fn saved(&self, picture: &Image, path: &Path) {
        self.delivered(picture);
        self.state().files.push(path.to_owned());
    }

    /// Removes all files: their names were printed.
    pub fn named(&self) {
        self.state().files.clear();
    }

    /// Waits until the work on received pictures is done, at most for `most`.
    pub async fn settled(&self, most: Duration) {
        let waiting = async {
            while Arc::strong_count(&self.state().at_work) > 1 {
                tokio::time::sleep(STEP).await;
            }
        };
        // A disk that hangs is not waited for.
        let _ = tokio::time::timeout(most, waiting).await;
    }

    /// Saves the pictures that were not delivered, in any folder that accepts them. Prints the names of all files that
    /// were not printed yet to standard error, and returns them. Blocks.
    pub fn keep(&self) -> Vec<PathBuf> {
        let (pictures, files, near) = {
            let mut state = self.state();
            (std::mem::take(&mut state.pictures), std::mem::take(&mut state.files), state.near.clone())
        };
        for file in &files {
            tell(format_args!("The picture is in {}", file.display()));
        }
        let mut all = files;
        for picture in pictures {
            match refuge::keep(&picture, near.as_deref()) {
                Ok(path) => {
                    tell(format_args!("The picture is in {}", path.display()));
                    all.push(path);
                }
                Err(why) => tell(format_args!("warning: {why}")),
            }
        }
        all
    }
}
