//! Rule: who adds one crate of ours takes in few others.

use super::Finding;
use crate::crate_tree;
use crate::workspace::Workspace;

pub(super) fn within_bounds(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for member in workspace
        .members()?
        .iter()
        .filter(|member| member.manifest.is_published())
    {
        let tree =
            crate_tree::crates(&mut workspace.cargo(["tree", "--locked", "-p", &member.name]))?;
        findings.extend(judge(&member.name, tree.len()));
    }
    Ok(findings)
}

pub(super) fn judge(name: &str, count: usize) -> Option<Finding> {
    let most = crate_tree::MOST;
    let message = format!("{count} crates in its tree, at most {most} are allowed");
    (count > most).then(|| {
        Finding::new(
            &format!("crates/{name}/Cargo.toml"),
            1,
            "tree-size",
            message,
        )
    })
}
