//! The command line.

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::commands::{
    agents, approvals, artifacts, audit, budgets, chat, keys, limits, login, members, nodes, plans,
    policy, profiles, providers, replay, run, runs, secrets, server, skills, tools, usage,
};

const EXIT_CODES: &str = "\
Exit codes:
    0  done; the run succeeded
    1  it failed: the run, the proof, a check, or the command itself
    2  wrong usage or configuration
    3  the run waits for somebody (--no-wait)
    4  the run was cancelled
  130  interrupted; a run that was watched goes on";

/// Chancery: a self-hosted control plane for AI agents.
///
/// `chancery up` starts everything on this machine. The other commands speak to a server: the one
/// at --url, as whoever is signed in there (`chancery login`) or as the API key in
/// CHANCERY_API_KEY.
///
/// In a terminal, commands ask; elsewhere, they never wait for an answer at the keyboard. With --json
/// they print one JSON value (`run` and the watching commands one a line) on standard output, and a
/// failure as `{"error": {"message", "fix", "problem"}}` on standard error.
#[derive(Debug, Parser)]
#[command(
    name = "chancery",
    version,
    propagate_version = true,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The server.
    #[arg(long, global = true, env = "CHANCERY_URL", value_hint = ValueHint::Url, default_value = "http://127.0.0.1:7300", help_heading = "Connection")]
    pub url: String,
    /// The organisation: its id or its name.
    #[arg(long, global = true, env = "CHANCERY_ORG", help_heading = "Connection")]
    pub org: Option<String>,
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine: server, workers and a local node.
    Up(server::Up),
    /// Start a server, or some of its roles.
    Serve(server::Serve),
    /// Bring the database to the form that this version needs.
    Migrate(server::Settings),
    /// Check what this installation needs and has.
    Doctor(server::Settings),
    /// Show the configuration.
    #[command(subcommand)]
    Config(server::ConfigCommand),
    /// Print the OpenAPI document.
    Openapi,
    /// Copy the data of an embedded installation into a file, also while it runs.
    Backup(server::Backup),
    /// Make an installation out of such a file, in a data folder that is empty.
    Restore(server::Restore),
    /// See and replace the key that everything else is encrypted under.
    #[command(subcommand)]
    MasterKey(server::MasterKeyCommand),
    /// Give organisations their plans, on the server's machine.
    #[command(subcommand)]
    Plans(plans::Plans),
    /// Sign in.
    Login(login::Login),
    /// Sign out.
    Logout,
    /// Show who you are, and your organisations.
    Whoami,
    /// Give an agent something to do, and watch it.
    Run(run::Run),
    /// Talk to an agent, line by line, in one session; archive, export and keep sessions.
    Chat(chat::Chat),
    /// See, watch and end runs.
    Runs(runs::Runs),
    /// Answer what agents ask for.
    Approvals(approvals::Approvals),
    /// See, try and publish policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Prove, export and search the record.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Repeat a run from its record, without any outside effect.
    Replay(replay::Replay),
    /// Keep secrets, and say who may use them.
    Secrets(secrets::Secrets),
    /// Keep the accounts at vendors of models, and servers of your own.
    Providers(providers::Providers),
    /// Give names to models, and say which of several is asked.
    Profiles(profiles::Profiles),
    /// Limit what is spent on models.
    Budgets(budgets::Budgets),
    /// See what was used of models, and what it cost.
    Usage(usage::Usage),
    /// See what the organisation may do with tools, and set tighter limits.
    Limits(limits::Limits),
    /// Make and revoke API keys.
    Keys(keys::Keys),
    /// See and make agents.
    Agents(agents::Agents),
    /// See and publish skills.
    Skills(skills::Skills),
    /// See and use tools.
    Tools(tools::Tools),
    /// See, fetch and upload artifacts.
    Artifacts(artifacts::Artifacts),
    /// Enrol and revoke nodes.
    #[command(visible_alias = "node")]
    Nodes(nodes::Nodes),
    /// See, invite and change members.
    Members(members::Members),
    /// Print the completions for a shell.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// How many items a list has.
#[derive(Debug, Clone, Args)]
pub struct Listing {
    /// How many to show at most.
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

impl Default for Listing {
    fn default() -> Self {
        Self { limit: 50 }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_need_no_subcommand() {
        for words in [
            ["chancery", "runs"],
            ["chancery", "approvals"],
            ["chancery", "secrets"],
        ] {
            Cli::try_parse_from(words).unwrap();
        }
        let cli = Cli::try_parse_from(["chancery", "runs", "show", "run_x", "--json"]).unwrap();
        assert!(cli.global.json);
    }

    #[test]
    fn no_secret_has_a_place_on_the_command_line() {
        for words in [
            vec!["chancery", "secrets", "create", "NAME", "VALUE"],
            vec!["chancery", "login", "--email", "a@b", "--password", "x"],
            vec!["chancery", "runs", "--api-key", "x"],
            vec![
                "chancery",
                "providers",
                "add",
                "a",
                "--type",
                "openai",
                "KEY",
            ],
            vec![
                "chancery",
                "providers",
                "add",
                "a",
                "--type",
                "openai",
                "--key",
                "x",
            ],
        ] {
            assert!(Cli::try_parse_from(&words).is_err(), "{words:?}");
        }
    }
}
