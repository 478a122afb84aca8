//! `secnet sandbox`: the EC2 in memory, for other tools. Layer 10.

use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use crate::{
    base::codes::environment as codes,
    cli::{Exit, Outcome, Stop, env::EnvArgs, load, printer::Printer, project, runtime, target},
    sim,
};

/// The EC2 in memory, for other tools
#[derive(Debug, Args)]
pub struct Sandbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a project's sandbox on loopback, where the aws command line and others can talk to it
    Serve {
        /// Directory of the project
        #[arg(value_name = "DIR", default_value = ".")]
        directory: PathBuf,
        #[command(flatten)]
        env: EnvArgs,
        /// Port; 0 takes one that is free
        #[arg(long, default_value_t = 4599)]
        port: u16,
        /// A quota of the account, kept in the sandbox: `vpcs=20`; EC2's defaults hold for the others
        #[arg(long = "quota", value_name = "NAME=N", value_parser = quota)]
        quotas: Vec<Quota>,
        /// Allow callers what this IAM policy document allows, and nothing else
        #[arg(long, value_name = "FILE")]
        iam_policy: Option<PathBuf>,
    },
}

/// A quota and its new value.
type Quota = (String, usize);

fn quota(text: &str) -> Result<Quota, String> {
    let (name, value) = text.split_once('=').ok_or("a quota is written `vpcs=20`")?;
    let value = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
    sim::Quotas::default().set(name, value).map_err(|names| format!("there is no quota `{name}`, but {}", names.join(", ")))?;
    Ok((name.to_owned(), value))
}

impl Sandbox {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    /// The sandbox is not usable, or the port is taken.
    pub fn run(self, printer: &Printer) -> Outcome {
        let Command::Serve { directory, env, port, quotas, iam_policy } = self.command;
        let project = project::identify(&directory, &env)?;
        let sim = Arc::new(target::sim(&directory, &project, project.region.as_deref())?);
        // Their names were checked when they were read.
        quotas.iter().for_each(|(name, value)| drop(sim.world(|world| world.quotas.set(name, *value))));
        if let Some(path) = &iam_policy {
            target::policies(path)?.remove(target::OWN).into_iter().for_each(|own| sim.obey(own));
        }
        runtime()?.block_on(async {
            let failed = |e: std::io::Error| Stop::from(codes::address_taken(&format!("127.0.0.1:{port}"), &load::reason(&e)));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
            let address = listener.local_addr().map_err(failed)?;
            let region = sim.region();
            printer.say(&format!(
                "The sandbox of `{}` is served at http://{address}; nothing reaches AWS. Ctrl-C ends it.\n\n\
                 In another terminal:\n  \
                 export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_DEFAULT_REGION={region}\n  \
                 aws --endpoint-url http://{address} ec2 describe-vpcs",
                project.name
            ));
            let interrupted = async { drop(tokio::signal::ctrl_c().await) };
            sim::serve(sim.clone(), listener, interrupted).await.map_err(failed)?;
            Ok(Exit::Ok)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_name_and_a_number() {
        assert_eq!(quota("vpcs=20"), Ok(("vpcs".to_owned(), 20)));
        assert_eq!(quota("vpcs"), Err("a quota is written `vpcs=20`".to_owned()));
        assert_eq!(quota("vpcs=many"), Err("`many` is not a number".to_owned()));
        assert!(quota("vpc=20").is_err_and(|e| e.starts_with("there is no quota `vpc`, but addresses, ") && e.ends_with(", vpcs")));
    }
}
