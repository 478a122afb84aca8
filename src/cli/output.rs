//! `secnet output`: results of the last apply. Layer 10; calls nothing.

use clap::Args;

use crate::{
    base::codes::environment as codes,
    cli::{Exit, Outcome, json, printer::Printer, state::StateArgs},
    schema::value::Value,
};

/// Print the outputs of the last apply
#[derive(Debug, Args)]
pub struct Output {
    /// Whose
    #[command(flatten)]
    pub of: StateArgs,
    /// Only this one, as it is: for scripts
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Output {
    /// Prints them. One argument that is no directory is a name.
    ///
    /// # Errors
    /// The state is not usable, or has no such output.
    pub fn run(mut self, printer: &Printer) -> Outcome {
        if self.name.is_none() && !self.of.directory.exists() {
            self.name = Some(self.of.directory.to_string_lossy().into_owned());
            self.of.directory = ".".into();
        }
        let outputs = self.of.load()?.outputs;
        let Some(name) = &self.name else {
            if printer.json {
                printer.document(&json::outputs(&outputs));
            } else {
                outputs.iter().for_each(|(name, value)| printer.result(&format!("{name} = {value}")));
            }
            return Ok(Exit::Ok);
        };
        let value = outputs.get(name).ok_or_else(|| codes::no_output(name, outputs.keys().map(String::as_str)))?;
        match value {
            value if value.is_sealed() => return Err(codes::not_kept(name).into()),
            value if printer.json => printer.document(&json::plain(value)),
            Value::Text(text) => printer.result(text),
            other => printer.result(&other.to_string()),
        }
        Ok(Exit::Ok)
    }
}
