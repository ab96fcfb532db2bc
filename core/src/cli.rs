//! The command `nanobanana`.

/// Runs the command with its arguments (without the program's name) and gives its exit code.
pub fn run(args: Vec<String>) -> u8 {
    let _ = args;
    1
}
