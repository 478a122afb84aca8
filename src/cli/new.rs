//! `secnet new`: a project to start from. Layer 10.

use std::{fs, path::PathBuf};

use clap::{Args, ValueEnum};

use crate::{
    base::codes::environment as codes,
    cli::{Exit, Outcome, Stop, load, printer::Printer},
};

const GITIGNORE: &str = include_str!("new/gitignore");

/// Start a project
#[derive(Debug, Args)]
pub struct New {
    /// Its name, and that of the directory to make
    name: PathBuf,
    /// What to start from
    #[arg(long, value_enum, default_value = "private_server")]
    template: Template,
}

/// Where a project starts. Each is complete: it plans, proves and applies as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Template {
    /// A server that reaches the internet and that only its maintainers can reach
    PrivateServer,
    /// A public web server and a database behind it, in two zones, the network being a module
    TwoTier,
    /// Web, application and data over three zones, each reached from the one before it alone
    ThreeTier,
    /// A transit gateway between what is shared and spokes that do not reach each other
    HubAndSpoke,
    /// Machines with IPv6 alone: one that maintainers reach, others that only reach out
    Ipv6Only,
}

impl Template {
    /// The word that stands for the project's name in it, and its files: path and text.
    fn files(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Template::PrivateServer => ("PROJECT", &[("main.secnet", include_str!("new/main.secnet"))]),
            Template::TwoTier => (
                "two_tier",
                &[
                    ("main.secnet", include_str!("../../examples/two_tier/main.secnet")),
                    ("database.secnet", include_str!("../../examples/two_tier/database.secnet")),
                    ("network/main.secnet", include_str!("../../examples/two_tier/network/main.secnet")),
                ],
            ),
            Template::HubAndSpoke => ("hub_and_spoke", &[("main.secnet", include_str!("../../examples/hub_and_spoke/main.secnet"))]),
            Template::Ipv6Only => ("ipv6_only", &[("main.secnet", include_str!("../../examples/ipv6_only/main.secnet"))]),
            Template::ThreeTier => ("three_tier", &[("main.secnet", include_str!("../../examples/three_tier/main.secnet"))]),
        }
    }
}

impl New {
    /// Writes the files and says what to do next.
    ///
    /// # Errors
    /// The name is no name, something of that name is there, or it cannot be written.
    pub fn run(&self, printer: &Printer) -> Outcome {
        let shown = load::shown(&self.name);
        let name = self.name.file_name().map(|n| n.to_string_lossy().replace('-', "_")).unwrap_or_default();
        if !is_name(&name) {
            return Err(codes::bad_name(&shown).into());
        }
        if self.name.exists() {
            return Err(codes::exists(&shown).into());
        }
        let (placeholder, files) = self.template.files();
        for (file, text) in files.iter().chain(&[(".gitignore", GITIGNORE)]) {
            let path = self.name.join(file);
            let failed = |e: std::io::Error| Stop::from(codes::unwritable(&load::shown(&path), &load::reason(&e)));
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory).map_err(failed)?;
            }
            fs::write(&path, text.replace(placeholder, &name)).map_err(failed)?;
        }
        let written: Vec<String> = files.iter().map(|(file, _)| format!("{shown}/{file}")).collect();
        printer.say(&format!(
            "{} and {shown}/.gitignore are written.\n\n\
             Next:\n  cd {shown}\n  secnet check\n  secnet plan --sandbox\n  secnet apply --sandbox",
            written.join(", ")
        ));
        Ok(Exit::Ok)
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
