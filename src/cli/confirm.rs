//! Asking a person before something that cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Whether there is a person to ask: standard input and standard error are a terminal.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on standard error. Only "y" and "yes" mean yes; the end of input means no.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let agreed = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
    if !agreed {
        writeln!(stderr, "nothing was changed")?;
    }
    Ok(agreed)
}
