//! Landlock behind the mount namespace: the same borders, drawn once more by another part of the
//! kernel.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// What may be read and executed, where it exists.
const READABLE: &[&str] = &[
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/proc", "/skill",
];
/// What may also be written.
const WRITABLE: &[&str] = &["/tmp", "/out"];
/// Devices.
const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// The newest interface that is used; an older kernel gives what it has.
const NEWEST: ABI = ABI::V6;

/// Confines this process, and says whether the kernel took any part of it.
pub fn confine(workspace_writable: bool, network: bool) -> Result<bool, RulesetError> {
    let mut rules = Ruleset::default()
        .set_compatibility(landlock::CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    if !network {
        rules = rules.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut created = allow(rules.create()?, "/", AccessFs::ReadDir.into())?;
    for path in READABLE {
        created = allow(created, path, AccessFs::from_read(NEWEST))?;
    }
    for path in WRITABLE {
        created = allow(created, path, AccessFs::from_all(NEWEST))?;
    }
    for path in DEVICES {
        created = allow(created, path, AccessFs::from_file(NEWEST))?;
    }
    let work = if workspace_writable {
        AccessFs::from_all(NEWEST)
    } else {
        AccessFs::from_read(NEWEST)
    };
    let status = allow(created, "/work", work)?.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn allow(
    ruleset: landlock::RulesetCreated,
    path: impl AsRef<Path>,
    access: landlock::BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(at) => ruleset.add_rule(PathBeneath::new(at, access)),
        // What is not there needs no rule.
        Err(_) => Ok(ruleset),
    }
}
