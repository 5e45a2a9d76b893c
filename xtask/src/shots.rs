//! `cargo xtask shots`: takes the pictures of the web app that the documentation shows.

use anyhow::Result;

use crate::project::{self, Profile};
use crate::web;

/// Take the pictures of the web app for README and docs, into docs/images.
///
/// A server is started on a folder that is thrown away, filled by real runs, and looked at in Chromium. A picture that
/// differs from the kept one by no more than times and ids is left as it is. What is taken stands in
/// `web/tools/shots.tool.ts`.
#[derive(clap::Args)]
pub struct Shots {}

impl Shots {
    pub fn run(&self) -> Result<()> {
        web::build_if_changed()?;
        project::build(Profile::Dev, project::PROGRAMS)?;
        web::tool("shots", Profile::Dev)
    }
}
