//! The options that every command has.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser};
use tracing_subscriber::EnvFilter;

use super::commands::Command;
use super::exit;

/// Keep container-image records in one crash-safe file, in place of an images.json directory.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::help(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that are taken before and after the command's name.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The store's file [default: $IMAGE_STORE, then images.redb]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,

    /// Open the store read-only: whatever would change it fails
    #[arg(long, global = true)]
    pub(crate) read_only: bool,

    /// How long to wait for others who use the store, in seconds; with 0 up to 0.2, for those
    /// who are just closing it
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = seconds,
        allow_negative_numbers = true
    )]
    pub(crate) lock_wait: Duration,

    /// Show the causes of an error too
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,

    /// Write a log to standard error, for example: debug, or image_store=trace
    #[arg(long, global = true, value_name = "FILTER", value_parser = filter)]
    pub(crate) log: Option<EnvFilter>,
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "give a number of seconds, such as 30 or 0.5".to_owned())
}

/// A number of things, told in other words than those of the parser of numbers.
pub(crate) fn count<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| "give a whole number, 0 or more".to_owned())
}

fn filter(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(text).map_err(|error| {
        format!("{error}; give a level (error, warn, info, debug, trace) or target=level, …")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{Cli, seconds};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seconds_are_what_a_duration_can_hold() {
        assert_eq!(seconds("0.5").unwrap().as_millis(), 500);
        for text in ["", "-1", "1e300", "NaN", "inf", "1s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
