//! The `image-store` program.

fn main() {}
