//! The `image-store` program: a thin command line over the public library `image_store`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run().into()
}
