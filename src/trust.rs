//! Making this machine trust the development authority, and no longer: the commands, and running them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::tls::Summary;

/// What is wanted of the machine's store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    Trust,
    Untrust,
}

/// Where Debian and Ubuntu keep authorities that the machine's owner added.
const DEBIAN: &str = "/usr/local/share/ca-certificates/locmfa.crt";

/// The commands for Windows and for Debian, for people.
#[must_use]
pub fn explained(wish: Wish, authority: &Summary) -> String {
    let mut text = String::from(
        "Windows, in PowerShell as administrator, on the machine that calls (copy the file there first):\n",
    );
    text += &format!("  {}\n", windows(wish, authority));
    text += "Debian, Ubuntu, as root:\n";
    for step in debian(wish, authority) {
        text += &format!("  {}\n", step.join(" "));
    }
    if wish == Wish::Trust {
        text += &format!("curl, for one call:\n  --cacert '{}'\n", file(authority, "pem"));
    }
    let (button, what) = match wish {
        Wish::Trust => ("Import…", file(authority, "pem")),
        Wish::Untrust => ("Delete or Distrust…", authority.subject.clone()),
    };
    text += &format!("Firefox: Settings, Privacy & Security, View Certificates, Authorities, {button}\n  {what}\n");
    text
}

/// Runs the commands of this system.
///
/// # Errors
/// This system has none here, or one of them failed.
pub fn run(wish: Wish, authority: &Summary) -> anyhow::Result<()> {
    let steps = if cfg!(windows) {
        let powershell = ["powershell", "-NoProfile", "-NonInteractive", "-Command"].map(String::from);
        vec![powershell.into_iter().chain([windows(wish, authority)]).collect()]
    } else if Path::new("/usr/sbin/update-ca-certificates").exists() {
        debian(wish, authority)
    } else {
        bail!("--run knows Windows, Debian and Ubuntu. Run without it and do by hand what it prints.");
    };
    for step in steps {
        let status = Command::new(&step[0]).args(&step[1..]).status();
        let shown = step.join(" ");
        match status.with_context(|| format!("cannot run {shown}"))?.success() {
            true => (),
            false => bail!("{shown} failed; it takes an administrator's rights"),
        }
    }
    Ok(())
}

fn windows(wish: Wish, authority: &Summary) -> String {
    match wish {
        Wish::Trust => format!(
            "Import-Certificate -FilePath '{}' -CertStoreLocation Cert:\\LocalMachine\\Root",
            file(authority, "cer").replace('\'', "''")
        ),
        Wish::Untrust => format!("Remove-Item Cert:\\LocalMachine\\Root\\{}", authority.sha1),
    }
}

fn debian(wish: Wish, authority: &Summary) -> Vec<Vec<String>> {
    let step = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect();
    match wish {
        Wish::Trust => vec![step(&["cp", &file(authority, "pem"), DEBIAN]), step(&["update-ca-certificates"])],
        Wish::Untrust => vec![step(&["rm", "-f", DEBIAN]), step(&["update-ca-certificates", "--fresh"])],
    }
}

/// The authority's file of a kind, by its whole path.
fn file(authority: &Summary, extension: &str) -> String {
    let file = authority.files.iter().find(|it| it.extension().is_some_and(|it| it == extension));
    let file =
        file.or_else(|| authority.files.first()).map(|it| std::path::absolute(it).unwrap_or_else(|_| it.clone()));
    file.unwrap_or_default().display().to_string()
}
