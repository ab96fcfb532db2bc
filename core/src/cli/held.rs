//! The pictures that a command has received and not delivered yet. However the command ends, they are kept in a file and
//! named.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::out::tell;
use crate::error::Error;
use crate::image::Image;
use crate::refuge;

/// How often it is looked whether the work on what came is done.
const STEP: Duration = Duration::from_millis(10);

/// Pictures on their way from the service to a file whose name the user knows.
#[derive(Default)]
pub(super) struct Held(Mutex<State>);

#[derive(Default)]
struct State {
    pictures: Vec<Image>,
    /// The folder that they are meant for.
    near: Option<PathBuf>,
    /// Files that were written and not named yet.
    files: Vec<PathBuf>,
    /// Held by whatever still works on what came.
    at_work: Arc<()>,
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder in which pictures are kept first.
    pub fn meant_for(&self, folder: &Path) {
        self.state().near = Some(folder.to_owned());
    }

    /// Held as long as a picture that came is worked on.
    pub fn at_work(&self) -> Arc<()> {
        self.state().at_work.clone()
    }

    /// These came. One that is held already is held once.
    pub fn receive(&self, pictures: impl IntoIterator<Item = Image>) {
        let mut state = self.state();
        for picture in pictures {
            if !state.pictures.iter().any(|held| held.is(&picture)) {
                state.pictures.push(picture);
            }
        }
    }

    /// What came with an error. A copy of what is held already is not held again.
    pub fn receive_of_error(&self, error: &Error) {
        let mut state = self.state();
        for picture in error.pictures() {
            if !state.pictures.contains(&picture) {
                state.pictures.push(picture);
            }
        }
    }

    /// These files were written, and nobody named them.
    pub fn saved_unseen(&self, files: Vec<PathBuf>) {
        let mut state = self.state();
        for file in files {
            if !state.files.contains(&file) {
                state.files.push(file);
            }
        }
    }

    /// All that came so far is this, in its last form.
    pub fn receive_all(&self, pictures: &[Image]) {
        self.state().pictures = pictures.to_vec();
    }

    /// This one went where it should, without a file.
    pub fn delivered(&self, picture: &Image) {
        self.state().pictures.retain(|held| !held.is(picture));
    }

    /// This one is in a file, whose name is still to be told.
    pub fn saved(&self, picture: &Image, path: &Path) {
        self.delivered(picture);
        self.state().files.push(path.to_owned());
    }

    /// The names of all files were told.
    pub fn named(&self) {
        self.state().files.clear();
    }

    /// Waits until nothing works on what came any more, but not longer than this.
    pub async fn settled(&self, most: Duration) {
        let waiting = async {
            while Arc::strong_count(&self.state().at_work) > 1 {
                tokio::time::sleep(STEP).await;
            }
        };
        // A disk that stands still is not waited for.
        let _ = tokio::time::timeout(most, waiting).await;
    }

    /// Writes what was not delivered where it can be, and names every file that was not named: on standard error, and
    /// to the caller. Blocks.
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
