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
mod progress;
mod stage_bar;

use std::io;

use clap::Parser as _;
use clap::error::ErrorKind as ParseErrorKind;
use tracing_subscriber::EnvFilter;

use self::args::Cli;
use self::context::Context;
use self::exit::Exit;

/// Runs the program with the arguments of the process and says how it ends.
pub(crate) fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    let verbose = cli.global.verbose;
    start_log(cli.global.log.clone());

    let context = Context::new(cli.global);
    match cli.command.run(&context) {
        Ok(exit) => exit,
        Err(failure) => failure.report(verbose),
    }
}

/// Prints what the parser says: help and version are results, everything else is an error.
fn refuse(error: &clap::Error) -> Exit {
    // Nothing is left to be done about a terminal that is gone.
    let _ = error.print();
    match error.kind() {
        ParseErrorKind::DisplayHelp | ParseErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}

fn start_log(filter: Option<EnvFilter>) {
    if let Some(filter) = filter {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(context::has_colours(&io::stderr()))
            .init();
    }
}
