//! Lines made of a template that the user gives, in the language of Jinja.

use std::fmt::Write as _;
use std::sync::Arc;

use image_store::{Error as StoreError, Image, Snapshot, Timestamp};
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::human;
use crate::cli::image_config::ImageConfig;

/// What a template can use of an image.
const FIELDS: &[&str] = &[
    "age",
    "created",
    "digest",
    "digests",
    "flags",
    "id",
    "items",
    "labels",
    "layer",
    "mapped_layers",
    "metadata",
    "name",
    "names",
    "names_history",
    "short_id",
    "size",
];

/// The longest template, in bytes: a longer chain of filters, say, could take all of the stack.
const LONGEST: usize = 8 << 10;

/// How many steps it may take for one image: a loop over as many names as an image can have takes a
/// hundredth.
const STEPS: u64 = 10_000_000;

const NAME: &str = "format";

/// A template that was understood.
pub(super) struct Template {
    environment: Environment<'static>,
    snapshot: Snapshot,
}

impl Template {
    /// Reads a template. On a terminal, what images are called cannot move the cursor.
    pub(super) fn new(text: &str, is_terminal: bool, snapshot: &Snapshot) -> Result<Self, Failure> {
        if text.len() > LONGEST {
            return Err(Failure::usage(format!(
                "the template is {} bytes long; it can have {LONGEST}",
                text.len()
            )));
        }
        let mut environment = Environment::new();
        environment.set_fuel(Some(STEPS));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.add_filter("human_size", human::size);
        if is_terminal {
            environment.set_formatter(|out, state, value| match value.as_str() {
                Some(text) => Ok(out.write_str(&human::printable(text))?),
                None => escape_formatter(out, state, value),
            });
        }
        // Where a shell hands a backslash on, a tab or a line end is meant.
        let text = text.replace("\\t", "\t").replace("\\n", "\n");
        environment
            .add_template_owned(NAME, text)
            .map_err(|error| refused(&error))?;
        let template = Self {
            environment,
            snapshot: snapshot.clone(),
        };
        template.check_fields()?;
        Ok(template)
    }

    /// Refuses a misspelt field even where there is no image to show.
    fn check_fields(&self) -> Result<(), Failure> {
        let template = self.environment.get_template(NAME);
        let template = template.map_err(|error| refused(&error))?;
        let used = template.undeclared_variables(false);
        let unknown = used.iter().find(|name| {
            let is_global = self
                .environment
                .globals()
                .any(|(global, _)| global == *name);
            !is_global && !FIELDS.contains(&name.as_str())
        });
        match unknown {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "the template asks for {name:?}; there are: {}",
                FIELDS.join(", ")
            ))),
        }
    }

    pub(super) fn render(&self, image: &Image, now: Timestamp) -> Result<String, Failure> {
        let row = Row {
            image: image.clone(),
            snapshot: self.snapshot.clone(),
            now,
        };
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(Value::from_object(row)))
            .map_err(|error| refused(&error))
    }
}

fn refused(error: &Error) -> Failure {
    let cause = std::error::Error::source(error);
    if let Some(error) = cause.and_then(|cause| cause.downcast_ref::<StoreError>()) {
        return Failure::Told {
            exit: Exit::of(error),
            line: error.to_string(),
        };
    }
    if error.kind() == ErrorKind::OutOfFuel {
        return Failure::usage(format!(
            "the template cannot be used: it takes more than {STEPS} steps for an image"
        ));
    }
    let mut line = format!("the template cannot be used: {}", error.kind());
    if let Some(detail) = error.detail() {
        let _ = write!(line, ": {detail}");
    }
    Failure::usage(line)
}

/// An image as a template sees it. Fields are made when they are asked for, since labels must be
/// read from an item.
#[derive(Debug)]
struct Row {
    image: Image,
    snapshot: Snapshot,
    now: Timestamp,
}

impl Object for Row {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let image = &self.image;
        Some(match key.as_str()? {
            "age" => human::age(image.created, self.now).into(),
            "created" => optional(image.created.map(|created| created.to_string())),
            "digest" => optional(image.digest.clone()),
            "digests" => image.digests.clone().into(),
            "flags" => Value::from_serialize(&image.flags),
            "id" => image.id.clone().into(),
            "items" => image
                .big_data_names
                .iter()
                .map(|key| item(image, key))
                .collect(),
            "labels" => match ImageConfig::of(&self.snapshot, image) {
                Ok(config) => Value::from_serialize(config.unwrap_or_default().labels()),
                Err(error) => {
                    let message = "the labels cannot be read";
                    Error::new(ErrorKind::InvalidOperation, message)
                        .with_source(error)
                        .into()
                }
            },
            "layer" => optional(image.top_layer.clone()),
            "mapped_layers" => image.mapped_top_layers.clone().into(),
            "metadata" => image.metadata.clone().into(),
            "name" => optional(image.names.first().cloned()),
            "names" => image.names.clone().into(),
            "names_history" => image.names_history.clone().into(),
            "short_id" => human::short_id(&image.id).into(),
            "size" => human::items_size(image).into(),
            _ => return None,
        })
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(FIELDS)
    }
}

/// What is not known is an empty text.
fn optional(value: Option<String>) -> Value {
    value.unwrap_or_default().into()
}

fn item(image: &Image, key: &str) -> Value {
    let item = image.big_data.get(key).cloned().unwrap_or_default();
    minijinja::context! {
        key,
        size => item.size,
        digest => item.digest.unwrap_or_default(),
    }
}
