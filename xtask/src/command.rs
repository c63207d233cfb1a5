//! Starts other programs, each echoed as a person would type it.

use std::path::Path;
use std::process::{Command, Stdio};

/// Echoes and runs `command` with this program's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    echo(command);
    let status = command
        .status()
        .map_err(|error| format!("`{}` did not start: {error}", line(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{}` ended with {status}", line(command)))
    }
}

/// Runs `command` and gives what it prints; its messages go where this program's go.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{}` did not start: {error}", line(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` ended with {}", line(command), output.status));
    }
    String::from_utf8(output.stdout)
        .map_err(|error| format!("`{}` printed no text: {error}", line(command)))
}

/// Prints the command line, on the stream that cargo's own messages take.
pub(crate) fn echo(command: &Command) {
    eprintln!("$ {}", line(command));
}

/// The command line as a person would type it: set variables first, the program by its bare name.
/// What stands in for cargo's own variables is left out, because nobody types those.
pub(crate) fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(key, value)| {
        let (key, value) = (key.to_string_lossy(), value?.to_string_lossy());
        (!key.starts_with("CARGO_")).then(|| format!("{key}={}", quoted(&value)))
    });
    let program = Path::new(command.get_program())
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let args = command.get_args().map(|arg| quoted(&arg.to_string_lossy()));
    variables
        .chain([program])
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains(' ') {
        format!("\"{word}\"")
    } else {
        word.to_owned()
    }
}
