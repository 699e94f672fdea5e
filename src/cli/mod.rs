//! The command line. It uses the public library only; each command has a file of its own under
//! [`commands`].

mod args;
mod batch;
mod commands;
mod confirm;
mod context;
mod exit;
mod failure;
mod human;
mod image_arg;
mod image_config;
mod input;
mod listing;
mod output;
mod output_file;
mod progress;
mod stage_bar;

use std::io::{self, Write as _};

use clap::error::ErrorKind as ParseErrorKind;
use clap::{ArgMatches, CommandFactory as _, Parser as _};
use nix::sys::signal::{SigSet, Signal};
use tracing_subscriber::EnvFilter;

use self::args::Cli;
use self::context::Context;
use self::exit::Exit;
use self::failure::Failure;

/// Runs the program with the arguments of the process and says how it ends.
pub(crate) fn run() -> Exit {
    block_file_size_signal();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let verbose = cli.global.verbose;
    start_log(cli.global.log.clone());

    silence_contained_panics();
    let context = Context::new(cli.global);
    match cli.command.run(&context) {
        Ok(exit) => exit,
        Err(failure) => failure.report(verbose),
    }
}

/// Where a file may not grow any longer, the system kills with a signal whoever does not hold it off;
/// then writing is refused like on a full disk, which is told. Threads that are started later hold it
/// off, too.
fn block_file_size_signal() {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGXFSZ);
    // Without it, the program does what it would have done.
    let _ = signals.thread_block();
}

/// On damaged pages the engine panics. The library turns that into an error, which is told; the
/// message of the panic goes to the log.
fn silence_contained_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", std::panic::Location::file);
        if file.contains("redb") {
            tracing::debug!(%panic, "the storage engine panicked");
        } else {
            usual(panic);
        }
    }));
}

/// Prints what the parser says: help and version are results, everything else is an error.
fn refuse(error: &clap::Error) -> Exit {
    use ParseErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    match error.kind() {
        DisplayHelp | DisplayVersion => {
            let printed = error.print().and_then(|()| io::stdout().flush());
            output::end(printed, Exit::Done).unwrap_or_else(|failure| failure.report(false))
        }
        DisplayHelpOnMissingArgumentOrSubcommand => {
            // Nothing is left to be done about a terminal that is gone.
            let _ = error.print();
            Exit::Usage
        }
        _ => {
            let said = in_one_line(&error.render().to_string());
            let command = command_at_fault();
            Failure::usage(format!("{said}; see: {command} --help")).report(false)
        }
    }
}

/// The command of a command line that cannot be used, as far as it can be told.
fn command_at_fault() -> String {
    let matches = Cli::command().ignore_errors(true).try_get_matches().ok();
    let mut command = "image-store".to_owned();
    let mut below = matches.as_ref().and_then(ArgMatches::subcommand);
    while let Some((name, matches)) = below {
        command = format!("{command} {name}");
        below = matches.subcommand();
    }
    command
}

/// What the parser says over several lines, in one, without the usage, which `--help` tells.
fn in_one_line(said: &str) -> String {
    let mut line = String::new();
    let said = said.lines().map(str::trim);
    let relevant = said.take_while(|part| {
        !part.starts_with("Usage:") && !part.starts_with("For more information")
    });
    for part in relevant.filter(|part| !part.is_empty()) {
        line.push_str(match line.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) if part.starts_with("tip:") => "; ",
            Some(_) if part.starts_with('[') => " ",
            Some(_) => ", ",
        });
        line.push_str(part.strip_prefix("error: ").unwrap_or(part));
    }
    line
}

fn start_log(filter: Option<EnvFilter>) {
    if let Some(filter) = filter {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(context::has_colours(&io::stderr()))
            // Else it panics where it cannot write, since it would tell that on standard error.
            .log_internal_errors(false)
            .init();
    }
}

#[cfg(test)]
mod tests {
    use super::in_one_line;

    #[test]
    fn what_the_parser_says_becomes_one_line() {
        let said = "error: unexpected argument '--nam' found\n\n  tip: a similar argument exists: \
                    '--name'\n\nUsage: image-store create\n\nFor more information, try '--help'.\n";
        assert_eq!(
            in_one_line(said),
            "unexpected argument '--nam' found; tip: a similar argument exists: '--name'"
        );
        let said = "error: the following required arguments were not provided:\n  <IMAGE>\n  \
                    <NAME>...\n\nUsage: image-store tag <IMAGE> <NAME>...\n";
        assert_eq!(
            in_one_line(said),
            "the following required arguments were not provided: <IMAGE>, <NAME>..."
        );
        let said = "error: invalid value 'x' for '--sort <KEY>'\n  [possible values: id, name]\n\n\
                    For more information, try '--help'.\n";
        assert_eq!(
            in_one_line(said),
            "invalid value 'x' for '--sort <KEY>' [possible values: id, name]"
        );
    }
}
