//! `find`: everything that begins with a prefix.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write as _};

use anstyle::Style;
use clap::Args;
use image_store::{DigestEntry, Lookup as _, NameEntry, Prefix, Snapshot};
use serde_json::json;

use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::output;

/// Show all images whose ID, name or digest begins with a prefix
///
/// Digests are also found by the beginning of their digits. An image that is found in several ways
/// is shown for each. Exits with 1 where nothing is found.
#[derive(Debug, Args)]
pub(crate) struct Find {
    /// What an ID, a name or a digest begins with
    #[arg(required = true, value_name = "PREFIX")]
    prefixes: Vec<String>,

    /// Show IDs in full
    #[arg(long)]
    no_trunc: bool,

    /// Print only the full IDs that were found, each once
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,

    /// Print one JSON array of objects: kind (id, name, digest), match, id
    #[arg(long)]
    json: bool,
}

/// Digits alone are tried with each of these before them.
const ALGORITHMS: [&str; 3] = ["sha256", "sha384", "sha512"];

/// Something that begins with the prefix.
struct Match {
    kind: &'static str,
    text: String,
    id: String,
}

impl Find {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let snapshot = context.open_to_read()?.read()?;
        let stdout = io::stdout().lock();
        let bold = context::style(&stdout, Style::new().bold());
        let mut out = BufWriter::new(stdout);
        let mut found = 0_u64;
        let mut seen = HashSet::new();
        let width = if self.no_trunc { 64 } else { 12 };
        if self.json {
            write!(out, "[")?;
        }
        let mut show = |Match { kind, text, id }: Match| {
            if self.json {
                let separator = if found == 0 { "\n" } else { ",\n" };
                let object = json!({"kind": kind, "match": text, "id": id});
                write!(out, "{separator}{object}")?;
            } else if self.quiet {
                if seen.insert(id.clone()) {
                    writeln!(out, "{}", human::printable(&id))?;
                }
            } else {
                if found == 0 {
                    let heading = ["IMAGE ID", "KIND", "MATCH"];
                    let [id, kind, text] = heading;
                    writeln!(out, "{bold}{id:<width$}  {kind:<6}  {text}{bold:#}")?;
                }
                let id = if self.no_trunc {
                    human::printable(&id)
                } else {
                    human::short_id(&id)
                };
                let text = human::printable(&text);
                writeln!(out, "{id:<width$}  {kind:<6}  {text}")?;
            }
            found += 1;
            Ok(())
        };
        for prefix in &self.prefixes {
            each(&snapshot, prefix, &mut show)?;
        }
        let exit = if found > 0 { Exit::Done } else { Exit::No };
        let end = if self.json { "\n]\n" } else { "" };
        let written = out.write_all(end.as_bytes()).and_then(|()| out.flush());
        output::end(written, exit)
    }
}

/// Gives everything that begins with `prefix` to `show`, as it is read.
fn each(
    snapshot: &Snapshot,
    prefix: &str,
    mut show: impl FnMut(Match) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for id in snapshot.ids(Prefix::new(prefix))? {
        let id = id?;
        show(Match {
            kind: "id",
            text: id.clone(),
            id,
        })?;
    }
    for entry in snapshot.names(Prefix::new(prefix))? {
        let NameEntry { name, id, .. } = entry?;
        show(Match {
            kind: "name",
            text: name,
            id,
        })?;
    }
    let mut beginnings = vec![prefix.to_owned()];
    if !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        beginnings.extend(ALGORITHMS.map(|algorithm| format!("{algorithm}:{prefix}")));
    }
    for beginning in beginnings {
        for entry in snapshot.digests(Prefix::new(&beginning))? {
            let DigestEntry { digest, id, .. } = entry?;
            show(Match {
                kind: "digest",
                text: digest,
                id,
            })?;
        }
    }
    Ok(())
}
