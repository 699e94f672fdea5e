//! `list`: images, for people or for machines.

use std::io::{self, BufWriter, IsTerminal as _};

use anstyle::Style;
use clap::Args;

use crate::cli::args::count;
use crate::cli::context::{self, Context};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{Filter, Filters, Form, Order, Shown, SortKey};

/// List images in the order they were created
///
/// The size is that of the items an image has in the store (manifests, configuration, signatures),
/// not of its layers. A listing of any length takes constant memory, but for --sort, which holds a
/// key of each image, or with --limit of as many as are shown.
#[derive(Debug, Args)]
#[command(visible_alias = "ls", after_help = FILTERS)]
pub(crate) struct List {
    /// Only images that meet this condition; given several times, all of them
    #[arg(long, short, value_name = "KEY=VALUE")]
    filter: Vec<Filter>,

    /// Sort by this instead
    #[arg(long, value_name = "KEY")]
    sort: Option<SortKey>,

    /// Turn the order of --sort around
    #[arg(long, requires = "sort")]
    reverse: bool,

    /// Show no more than this many
    #[arg(long, value_name = "COUNT", value_parser = count::<usize>, allow_negative_numbers = true)]
    limit: Option<usize>,

    /// Go on after this image, in the order of the listing
    #[arg(long, value_name = "IMAGE")]
    after: Option<String>,

    /// Show IDs in full
    #[arg(long)]
    no_trunc: bool,

    /// Show digests too
    #[arg(long, conflicts_with_all = ["quiet", "json", "json_lines", "format"])]
    digests: bool,

    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormArgs {
    /// Print only IDs, one a line
    #[arg(long, short)]
    quiet: bool,

    /// Print one JSON array with the legacy field names
    #[arg(long)]
    json: bool,

    /// Print one JSON object a line
    #[arg(long)]
    json_lines: bool,

    /// Print a line for each image, made of this template, such as '{{ short_id }} {{ names }}'
    #[arg(long, value_name = "TEMPLATE")]
    format: Option<String>,
}

const FILTERS: &str = "\
Filters:
  name=GLOB             one of the names; * stands for anything, ? for one character
  dangling=true|false   without, or with, a name
  before=IMAGE|DATE     created before it: an image, a day, or an RFC 3339 date and time
  since=IMAGE|DATE      created after it
  digest=DIGEST         one of the digests, or its beginning, with or without the algorithm
  layer=ID              the top layer, or a mapped top layer
  flag=FLAG[=VALUE]     the flag is set, to this value
  label=LABEL[=VALUE]   the configuration item has the label, with this value

Fields of a template (Jinja; \\t and \\n are a tab and a line end):
  id, short_id, name, names, names_history, digest, digests, layer, mapped_layers, created, age,
  size, items (of key, size, digest), metadata, flags, labels
  Filters: join, length, default, upper, human_size, tojson, ...";

impl List {
    pub(crate) fn run(self, context: &Context) -> Result<Exit, Failure> {
        let snapshot = context.open_to_read()?.read()?;
        let filters = Filters::new(&self.filter, &snapshot)?;
        let order = Order {
            sort: self.sort,
            reverse: self.reverse,
            after: self.after,
            limit: self.limit,
        };
        order.check(&snapshot)?;
        let stdout = io::stdout().lock();
        let bold = context::style(&stdout, Style::new().bold());
        let is_terminal = stdout.is_terminal();
        let form = self.form.form(self.digests);
        let out = BufWriter::new(stdout);
        let mut shown = Shown::begin(out, &form, !self.no_trunc, bold, is_terminal, &snapshot)?;
        order.list(&snapshot, &filters, |image| shown.show(image))?;
        shown.end()?;
        Ok(Exit::Done)
    }
}

impl FormArgs {
    fn form(self, digests: bool) -> Form {
        match self.format {
            Some(template) => Form::Template(template),
            None if self.json => Form::Json,
            None if self.json_lines => Form::JsonLines,
            None if self.quiet => Form::Quiet,
            None => Form::Table { digests },
        }
    }
}
