//! secnet's command line.
fn main() {}
