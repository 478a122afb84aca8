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
        /// Allow callers what this IAM policy document allows, and nothing else
        #[arg(long, value_name = "FILE")]
        iam_policy: Option<PathBuf>,
    },
}

impl Sandbox {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    /// The sandbox is not usable, or the port is taken.
    pub fn run(self, printer: &Printer) -> Outcome {
        let Command::Serve { directory, env, port, iam_policy } = self.command;
        let project = project::identify(&directory, &env)?;
        let sim = Arc::new(target::sim(&directory, &project, project.region.as_deref())?);
        if let Some(path) = &iam_policy {
            sim.obey(target::policy(path)?);
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
