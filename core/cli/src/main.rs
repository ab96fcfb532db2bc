//! The command `nanobanana`, for `cargo install`.

use std::process::ExitCode;

use nanobanana_cli::{Signals, run};

fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &Signals::of_process()))
}
