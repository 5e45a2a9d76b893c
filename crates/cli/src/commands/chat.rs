//! `chancery chat`: one session, line by line, and what becomes of sessions.

use clap::Args;

use super::sessions::Sessions;
use super::watch::watch;
use super::{Cx, Done, run};
use crate::failure::{Exit, Failure};
use crate::prompt::{Interrupts, Lines};
use crate::terminal::{self, Style, Tone};

/// Talk to agents, line by line, in one session. An empty line or Ctrl-D ends it.
///
/// A line is answered by the agents of the session that it mentions as `@name`, or else by the first.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Chat {
    #[command(subcommand)]
    command: Option<Sessions>,
    /// Which agents, by name or id, the first of them answering who mentions none; may be given several
    /// times. The first active one otherwise.
    #[arg(long = "agent", value_name = "AGENT")]
    agents: Vec<String>,
    /// In which workspace; the agent's otherwise.
    #[arg(long)]
    workspace: Option<String>,
    /// Go on with this session.
    #[arg(long, conflicts_with_all = ["agents", "workspace"])]
    session: Option<String>,
}

impl Chat {
    pub async fn run(self, cx: &Cx) -> Done {
        if let Some(command) = self.command {
            return command.run(cx).await;
        }
        let client = cx.client().await?;
        let (session, agents) = match self.session {
            Some(session) => (session, "its agents".to_owned()),
            None => {
                let opened =
                    run::open(&client, &self.agents, self.workspace.as_deref(), &[]).await?;
                (opened.id, opened.agents)
            }
        };
        let style = Style::stderr();
        let agents = terminal::short(&agents, 60);
        let about = format!("{session} with {agents}; an empty line ends it");
        terminal::note(&style.paint(Tone::Dim, &about));
        let mut lines = Lines::default();
        let mut interrupts = Interrupts::listen();
        loop {
            if terminal::interactive() {
                terminal::ask(&style.paint(Tone::Strong, "you> "));
            }
            let line = tokio::select! {
                line = lines.next() => line,
                () = interrupts.next() => return Ok(Exit::Interrupted),
            };
            let Some(line) = line.filter(|line| !line.is_empty()) else {
                return Ok(Exit::Success);
            };
            let answered: Result<(), Failure> = async {
                let runs = run::post(&client, &session, &line).await?;
                for run in &runs {
                    watch(cx, &client, run, true, &mut lines).await?;
                }
                if runs.is_empty() {
                    terminal::note(run::FOR_PEOPLE);
                }
                Ok(())
            }
            .await;
            if let Err(failure) = answered {
                terminal::note(&format!("{}: {failure}", style.paint(Tone::Bad, "error")));
            }
        }
    }
}
