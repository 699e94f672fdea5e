//! The legacy images directory: its JSON, its layout, and its import.

mod fixtures;
mod import_atomicity;
mod import_findings;
mod import_fixtures;
mod json_fixtures;
