//! `chancery plans`: which limits an organisation has, as the operator of the installation says.

use clap::Subcommand;
use serde_json::json;

use super::server::Settings;
use super::{Cx, Done, cell, cells};
use crate::serve;

/// Give organisations their plans, on the server's machine.
///
/// A plan is a named set of limits on what agents do with tools. Whoever can read the server's
/// configuration and database gives plans; a server that runs follows within a second.
#[derive(Debug, Subcommand)]
pub enum Plans {
    /// List the plans.
    List(Settings),
    /// List the organisations, each with its plan.
    Organisations(Settings),
    /// Give an organisation a plan.
    Assign {
        /// The organisation: its id, or its name if no other has it.
        organisation: String,
        /// The plan.
        plan: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Give an organisation the default plan again.
    Unassign {
        /// The organisation: its id, or its name if no other has it.
        organisation: String,
        #[command(flatten)]
        settings: Settings,
    },
}

impl Plans {
    pub async fn run(self, cx: &Cx) -> Done {
        match self {
            Self::List(settings) => {
                let plans = serve::plans(&settings)?;
                cx.list(plans, &["PLAN", "DEFAULT", "DESCRIPTION", "LIMITS"], |it| {
                    let limits = it["limits"].as_object();
                    let limits = limits.into_iter().flatten();
                    let limits: Vec<String> =
                        limits.map(|(name, it)| format!("{name}={it}")).collect();
                    let is_default = if it["is_default"] == true { "yes" } else { "" };
                    vec![
                        cell(it, "name"),
                        is_default.to_owned(),
                        cell(it, "description"),
                        limits.join(" "),
                    ]
                })
            }
            Self::Organisations(settings) => {
                let all = serve::organisation_plans(&settings).await?;
                cx.list(all, &["ORGANISATION", "NAME", "PLAN", "DEFAULT"], |it| {
                    cells(it, &["id", "name", "plan", "is_default"])
                })
            }
            Self::Assign {
                organisation,
                plan,
                settings,
            } => {
                serve::assign_plan(&settings, &organisation, Some(&plan)).await?;
                let line = format!("`{organisation}` has the plan `{plan}`");
                cx.done(
                    &json!({ "organisation": organisation, "plan": plan }),
                    &line,
                )
            }
            Self::Unassign {
                organisation,
                settings,
            } => {
                serve::assign_plan(&settings, &organisation, None).await?;
                let line = format!("`{organisation}` has the default plan");
                cx.done(
                    &json!({ "organisation": organisation, "plan": null }),
                    &line,
                )
            }
        }
    }
}
