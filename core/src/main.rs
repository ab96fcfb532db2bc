//! The command `nanobanana`, for `cargo install`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(nanobanana::cli::run(std::env::args_os().skip(1)))
}
