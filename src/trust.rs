//! Whether this machine trusts the development authority: the commands that change it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::tls::Summary;

/// A change to the machine's trusted authorities.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    Trust,
    Untrust,
}

/// Where Debian and Ubuntu keep the authorities that a user adds.
const DEBIAN: &str = "/usr/local/share/ca-certificates/locmfa.crt";

/// The commands for Windows and for Debian, for people.
#[must_use]
pub fn explained(change: Change, authority: &Summary) -> String {
    let mut text = String::from(
        "Windows, in PowerShell as administrator, on the machine that calls (copy the file there first):\n",
    );
    text += &format!("  {}\n", windows(change, authority));
    text += "Debian, Ubuntu, as root:\n";
    for step in debian(change, authority) {
        text += &format!("  {}\n", step.join(" "));
    }
    if change == Change::Trust {
        let (pem, cer) = (file(authority, "pem"), file(authority, "cer").replace('\'', "''"));
        text += &format!(
            "Without an administrator:\n  \
             Windows, for programs of this user (a service such as MIM's does not look there): \
             Import-Certificate -FilePath '{cer}' -CertStoreLocation Cert:\\CurrentUser\\Root\n  \
             OpenSSL, Python, and .NET on Linux, for one program: SSL_CERT_FILE='{pem}'\n  \
             .NET, in code: ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust, and the certificate in CustomTrustStore\n  \
             a certificate that .NET's SDK trusts already: dotnet dev-certs https --export-path dev.pfx --password …, \
             then serve with --pfx dev.pfx\n  \
             curl, for one call: --cacert '{pem}'\n"
        );
    }
    let (button, what) = match change {
        Change::Trust => ("Import…", file(authority, "pem")),
        Change::Untrust => ("Delete or Distrust…", authority.subject.clone()),
    };
    text += &format!("Firefox: Settings, Privacy & Security, View Certificates, Authorities, {button}\n  {what}\n");
    text
}

/// Runs the commands of this system.
///
/// # Errors
/// The commands of this system are unknown, or a command fails.
pub fn run(change: Change, authority: &Summary) -> anyhow::Result<()> {
    let steps = if cfg!(windows) {
        let powershell = ["powershell", "-NoProfile", "-NonInteractive", "-Command"].map(String::from);
        vec![powershell.into_iter().chain([windows(change, authority)]).collect()]
    } else if Path::new("/usr/sbin/update-ca-certificates").exists() {
        debian(change, authority)
    } else {
        bail!(
            "--run works on Windows, Debian and Ubuntu. Start the command without it, and run what it prints for another system."
        );
    };
    for step in steps {
        let status = Command::new(&step[0]).args(&step[1..]).status();
        let shown = step.join(" ");
        match status.with_context(|| format!("cannot run {shown}"))?.success() {
            true => (),
            false => bail!("{shown} failed; run it as administrator or root"),
        }
    }
    Ok(())
}

fn windows(change: Change, authority: &Summary) -> String {
    match change {
        Change::Trust => format!(
            "Import-Certificate -FilePath '{}' -CertStoreLocation Cert:\\LocalMachine\\Root",
            file(authority, "cer").replace('\'', "''")
        ),
        Change::Untrust => format!("Remove-Item Cert:\\LocalMachine\\Root\\{}", authority.sha1),
    }
}

fn debian(change: Change, authority: &Summary) -> Vec<Vec<String>> {
    let step = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect();
    match change {
        Change::Trust => vec![step(&["cp", &file(authority, "pem"), DEBIAN]), step(&["update-ca-certificates"])],
        Change::Untrust => vec![step(&["rm", "-f", DEBIAN]), step(&["update-ca-certificates", "--fresh"])],
    }
}

/// The absolute path of the authority's file with this extension.
fn file(authority: &Summary, extension: &str) -> String {
    let file = authority.files.iter().find(|it| it.extension().is_some_and(|it| it == extension));
    let file =
        file.or_else(|| authority.files.first()).map(|it| std::path::absolute(it).unwrap_or_else(|_| it.clone()));
    file.unwrap_or_default().display().to_string()
}
