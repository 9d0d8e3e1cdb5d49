//! An examination of this machine: is it ready to serve, or to call? It changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::control::{Api, Failures, Url};
use crate::mim::step::{Step, Verdict};
use crate::scenario;
use crate::server::accept::{BindError, Listening};
use crate::text::counted;
use crate::tls::{self, Summary, Trust};

/// What is examined.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The scenario to serve. `None`: the built-in scenario.
    pub scenario: Option<PathBuf>,
    /// The folder of the authority and the server's certificate.
    pub certs: PathBuf,
    /// The names that clients use for this machine.
    pub hosts: Vec<String>,
    /// The addresses that the server will listen on.
    pub listen: Vec<SocketAddr>,
    /// The admin API of a running server.
    pub admin: Url,
}

/// Examines the machine, step by step.
///
/// # Errors
/// The certificates that this machine trusts cannot be read.
pub async fn examine(subject: &Subject) -> anyhow::Result<Vec<Step>> {
    Ok(examine_at(subject, &Trust::load(&[])?, OffsetDateTime::now_utc()).await)
}

async fn examine_at(subject: &Subject, trust: &Trust, now: OffsetDateTime) -> Vec<Step> {
    let mut steps = scenario(subject.scenario.as_deref(), now);
    steps.push(clock(now));
    steps.extend(authority(&subject.certs, trust, now));
    steps.extend(server(&subject.certs, &subject.hosts, now));
    for address in &subject.listen {
        steps.push(port(*address).await);
    }
    steps.extend(registry::examine());
    steps.extend(certificates_of_running(&subject.admin).await);
    steps.extend(running(&subject.admin).await);
    steps
}

/// What a running server warns of its certificates: also those of --cert, --pfx and client authorities.
async fn certificates_of_running(admin: &Url) -> Vec<Step> {
    let health = Api::new(admin.clone(), String::new(), None).ready().await.unwrap_or_default();
    let warnings = health["certificate_warnings"].as_array().into_iter().flatten().filter_map(|it| it.as_str());
    let remedy = "Replace it. SIGHUP or a start lets the server read it again.";
    warnings.map(|it| finding("running server", Verdict::Warning, it, remedy)).collect()
}

/// The newest failures of a running server.
async fn running(admin: &Url) -> Vec<Step> {
    let step = "running server";
    let Ok(failures) = Api::new(admin.clone(), String::new(), None).failures().await else {
        let what = format!("No server reports its failures at {admin}.");
        return vec![finding(
            step,
            Verdict::Note,
            what,
            "Start the server, or give the address of its admin API with --admin. Failures in its log have trouble=.",
        )];
    };
    let warning = |it: Failures| {
        let what = format!("{} × {}, the newest: {}", it.count, it.kind, it.what);
        let remedy = if it.remedy.is_empty() { "docs/troubles.md explains it.".into() } else { it.remedy };
        finding(step, Verdict::Warning, what, remedy)
    };
    match failures.is_empty() {
        true => vec![finding(step, Verdict::Ok, "No connection and no sign-in failed.", "")],
        false => failures.into_iter().map(warning).collect(),
    }
}

fn finding(step: &'static str, verdict: Verdict, what: impl Into<String>, remedy: impl Into<String>) -> Step {
    Step { step, verdict, what: what.into(), remedy: remedy.into() }
}

/// The scenario, and the authorities of client certificates that it names.
fn scenario(file: Option<&Path>, now: OffsetDateTime) -> Vec<Step> {
    let step = "scenario";
    let Some(file) = file else {
        return vec![finding(step, Verdict::Ok, "The built-in scenario serves, to this machine only.", "")];
    };
    let shown = file.display();
    match scenario::load_file(file) {
        Ok(loaded) => {
            let authority = |it: &PathBuf| match certificate("client authority", it) {
                Ok((_, summary)) => dates(
                    "client authority dates",
                    &summary,
                    now,
                    "Replace it: no client certificate of it is accepted then.",
                ),
                Err(step) => step,
            };
            let authorities = loaded.server.client_authorities.iter().map(authority);
            [finding(step, Verdict::Ok, format!("{shown} has no mistakes."), "")]
                .into_iter()
                .chain(authorities)
                .collect()
        }
        Err(mistakes) => {
            let count = mistakes.len() + mistakes.more();
            let first = mistakes.first().map(|it| it.message.as_str()).unwrap_or_default();
            let what = format!("{shown} has {}, first: {first}", counted(count, "mistake"));
            vec![finding(step, Verdict::Failed, what, format!("`locmfa check {shown}` shows all, with their places."))]
        }
    }
}

/// When this program was written: a clock before that is wrong.
const WRITTEN: OffsetDateTime = time::macros::datetime!(2026-11-01 0:00 UTC);

fn clock(now: OffsetDateTime) -> Step {
    let shown = format!("{} {:02}:{:02} UTC", now.date(), now.hour(), now.minute());
    match now < WRITTEN {
        true => finding(
            "clock",
            Verdict::Failed,
            format!("It shows {shown}; this program is newer."),
            "Set the clock: with a wrong one, certificates and sign-in fail.",
        ),
        false => finding(
            "clock",
            Verdict::Ok,
            format!("It shows {shown}. NTLM allows a difference of 36 hours to the client."),
            "",
        ),
    }
}

/// The certificate of a file, or the step that reports its absence.
fn certificate(step: &'static str, file: &Path) -> Result<(CertificateDer<'static>, Summary), Step> {
    if !file.exists() {
        let what = format!("{} does not exist; the first start makes it.", file.display());
        return Err(finding(step, Verdict::Note, what, ""));
    }
    let failed =
        |what: String| finding(step, Verdict::Failed, what, "Delete the file; the next start makes a new one.");
    let chain = tls::read_certificates(file).map_err(|error| failed(format!("{error}.")))?;
    let [certificate, ..] = &chain[..] else { return Err(failed(format!("{} is empty.", file.display()))) };
    let summary = Summary::of(certificate, Vec::new());
    let summary = summary.map_err(|what| failed(format!("{} {what}.", file.display())))?;
    Ok((certificate.clone(), summary))
}

fn authority(folder: &Path, trust: &Trust, now: OffsetDateTime) -> Vec<Step> {
    let (authority, summary) = match certificate("authority", &folder.join(tls::AUTHORITY)) {
        Ok(it) => it,
        Err(step) => return vec![step],
    };
    let trusted = match trust.machine_has(&authority) {
        true => finding("authority", Verdict::Ok, format!("This machine trusts {}.", summary.subject), ""),
        false => finding(
            "authority",
            Verdict::Warning,
            format!("This machine does not trust {}, so MIM on this machine does not either.", summary.subject),
            format!(
                "Import {} into Cert:\\LocalMachine\\Root on the machine that calls; `locmfa certs trust` shows how.",
                folder.join("authority.cer").display()
            ),
        ),
    };
    let remedy = "Delete the authority's files; the next start makes a new authority, which clients must then trust.";
    vec![trusted, dates("authority dates", &summary, now, remedy)]
}

fn server(folder: &Path, hosts: &[String], now: OffsetDateTime) -> Vec<Step> {
    let (certificate, summary) = match certificate("certificate", &folder.join(tls::SERVER)) {
        Ok(it) => it,
        Err(step) => return vec![step],
    };
    let names = summary.names.join(", ");
    let mut wanted = vec!["localhost".to_owned(), tls::host_name()];
    wanted.extend(hosts.iter().map(|it| it.to_ascii_lowercase()));
    let missing: Vec<_> = wanted.into_iter().filter(|it| !summary.names.contains(it)).collect();
    let named = match missing.as_slice() {
        [] => finding("certificate names", Verdict::Ok, format!("It is for {names}."), ""),
        missing => finding(
            "certificate names",
            Verdict::Warning,
            format!("It is for {names}, and not for {}.", missing.join(", ")),
            "The next start adds this machine's own names; give it other names with --host.",
        ),
    };
    vec![
        named,
        revocation(&tls::list_addresses(&certificate)),
        dates("certificate dates", &summary, now, "The next start makes a new one, as `locmfa certs new` does."),
    ]
}

/// What clients that check revocation make of the certificate, in the words of their errors.
fn revocation(lists: &[String]) -> Step {
    let step = "revocation list";
    match lists {
        [] => finding(
            step,
            Verdict::Note,
            "The certificate names none. Clients that check revocation fail: .NET with RevocationStatusUnknown, OfflineRevocation, curl and others on Windows with CRYPT_E_NO_REVOCATION_CHECK (0x80092012).",
            "If such a client calls, give the server a fixed --listen and --admin port, or --crl-url.",
        ),
        lists => finding(
            step,
            Verdict::Ok,
            format!("The certificate names {}.", lists.join(", ")),
            "Where a client cannot reach it, .NET fails with RevocationStatusUnknown, OfflineRevocation, Windows with CRYPT_E_REVOCATION_OFFLINE (0x80092013).",
        ),
    }
}

fn dates(step: &'static str, summary: &Summary, now: OffsetDateTime, remedy: &str) -> Step {
    let Summary { not_before, not_after, .. } = summary;
    let what = format!("Valid from {} to {}.", not_before.date(), not_after.date());
    match () {
        () if !(*not_before..=*not_after).contains(&now) => finding(step, Verdict::Failed, what, remedy),
        () if now + Summary::SOON > *not_after => finding(step, Verdict::Warning, what, remedy),
        () => finding(step, Verdict::Ok, what, ""),
    }
}

async fn port(address: SocketAddr) -> Step {
    match Listening::bind(&[address]).await {
        Ok(_) => finding("port", Verdict::Ok, format!("{address} is free."), ""),
        // Not a failure: the program may be the server itself.
        Err(BindError::Taken(_)) => finding(
            "port",
            Verdict::Warning,
            format!("{address} is taken by another program."),
            "If that program is locmfa, no action is needed. If not, end it or give --listen another port.",
        ),
        Err(error @ BindError::Elsewhere(_)) if address.is_ipv6() => {
            finding("port", Verdict::Warning, format!("{error}."), "Windows clients try ::1 first for localhost.")
        }
        Err(error) => finding("port", Verdict::Failed, format!("{error}."), ""),
    }
}

/// The values of the Windows registry that decide whether a .NET Framework client, such as MIM, can connect.
mod registry {
    use super::{Step, Verdict, finding};

    struct Row {
        path: &'static str,
        name: &'static str,
        /// Whether a client can connect with this value. `None`: the value is missing.
        fits: fn(Option<u32>) -> bool,
        should: &'static str,
        why: &'static str,
    }

    const NET: &str = r"SOFTWARE\Microsoft\.NETFramework\v4.0.30319";
    const NET_32: &str = r"SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319";
    const TLS_12: &str = r"SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client";

    const fn on(value: Option<u32>) -> bool {
        matches!(value, Some(1..))
    }

    const fn not_off(value: Option<u32>) -> bool {
        !matches!(value, Some(0))
    }

    const fn not_on(value: Option<u32>) -> bool {
        matches!(value, None | Some(0))
    }

    const OLD_TLS: &str = "Without it .NET may offer only TLS 1.0, which the server refuses.";

    /// Microsoft's documentation of .NET Framework, Schannel and NTLM.
    const ROWS: &[Row] = &[
        Row { path: NET, name: "SystemDefaultTlsVersions", fits: on, should: "1", why: OLD_TLS },
        Row { path: NET, name: "SchUseStrongCrypto", fits: on, should: "1", why: OLD_TLS },
        Row { path: NET_32, name: "SystemDefaultTlsVersions", fits: on, should: "1", why: OLD_TLS },
        Row { path: NET_32, name: "SchUseStrongCrypto", fits: on, should: "1", why: OLD_TLS },
        Row { path: TLS_12, name: "Enabled", fits: not_off, should: "1, or missing", why: "0 turns TLS 1.2 off." },
        Row {
            path: TLS_12,
            name: "DisabledByDefault",
            fits: not_on,
            should: "0, or missing",
            why: "1 turns TLS 1.2 off for clients that do not ask for it.",
        },
        Row {
            path: r"SYSTEM\CurrentControlSet\Control\Lsa",
            name: "LmCompatibilityLevel",
            fits: |value| value.is_none_or(|it| it >= 3),
            should: "3 or more, or missing",
            why: "Below 3 Windows answers with NTLM version 1, which the server refuses unless the scenario allows it.",
        },
        Row {
            path: r"SYSTEM\CurrentControlSet\Control\Lsa\MSV1_0",
            name: "RestrictSendingNTLMTraffic",
            fits: |value| value != Some(2),
            should: "0 or 1, or missing",
            why: "2 forbids NTLM to other machines, and locmfa reads no Kerberos tickets.",
        },
    ];

    /// Judges the values on Windows. On other systems, the steps say what to look at on MIM's host.
    pub(super) fn examine() -> Vec<Step> {
        ROWS.iter().map(|row| read(row).map_or_else(|| row.look(), |value| row.judge(value))).collect()
    }

    /// The value, if it exists. Outer `None`: this system has no registry.
    #[cfg(windows)]
    fn read(row: &Row) -> Option<Option<u32>> {
        Some(windows_registry::LOCAL_MACHINE.open(row.path).and_then(|key| key.get_u32(row.name)).ok())
    }

    #[cfg(not(windows))]
    const fn read(_: &Row) -> Option<Option<u32>> {
        None
    }

    impl Row {
        fn look(&self) -> Step {
            let Self { path, name, should, why, .. } = self;
            finding("MIM's host", Verdict::Note, format!(r"HKLM\{path}, {name} should be {should}."), *why)
        }

        fn judge(&self, value: Option<u32>) -> Step {
            let Self { path, name, should, why, .. } = self;
            let is = value.map_or_else(|| "missing".into(), |it| it.to_string());
            let what = format!(r"HKLM\{path}, {name} is {is}.");
            if (self.fits)(value) {
                return finding("registry", Verdict::Ok, what, "");
            }
            let set = match (self.fits)(Some(1)) {
                true => format!(
                    r"New-ItemProperty -Path 'HKLM:\{path}' -Name {name} -PropertyType DWord -Value 1 -Force; then restart the service that calls."
                ),
                false => format!("It should be {should}."),
            };
            finding("registry", Verdict::Warning, what, format!("{why} {set}"))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_value_is_judged_and_has_a_remedy() {
            for row in ROWS {
                let verdicts = [None, Some(0), Some(1), Some(2), Some(3)].map(|value| {
                    let step = row.judge(value);
                    assert_eq!(step.verdict == Verdict::Ok, step.remedy.is_empty(), "{}", row.name);
                    step.verdict == Verdict::Ok
                });
                assert!(verdicts.contains(&true) && verdicts.contains(&false), "{}", row.name);
                assert!(row.why.ends_with('.') && !row.should.is_empty());
            }
            let unset = ROWS[0].judge(None);
            assert!(unset.what.ends_with("SystemDefaultTlsVersions is missing."), "{}", unset.what);
            assert!(unset.remedy.contains("-Value 1 -Force"), "{}", unset.remedy);
            assert!(ROWS[5].judge(Some(1)).remedy.ends_with("It should be 0, or missing."));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mim::step::all_right;
    use time::Duration;

    use crate::tls::{Certificates, Keys, read_certificates};

    /// The port of the discard service, where no server speaks HTTP.
    fn no_server() -> Url {
        "http://127.0.0.1:9".parse().unwrap()
    }

    fn verdict(steps: &[Step], step: &str) -> Verdict {
        steps.iter().find(|it| it.step == step).unwrap_or_else(|| panic!("no step {step}: {steps:?}")).verdict
    }

    #[tokio::test]
    async fn a_new_folder_is_ready_and_its_authority_is_not_yet_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let listen = vec!["127.0.0.1:0".parse().unwrap()];
        let args = Subject { scenario: None, certs: folder.path().into(), hosts: vec![], listen, admin: no_server() };
        let now = OffsetDateTime::now_utc();
        let no_trust = Trust::new(vec![], vec![]);
        let before = examine_at(&args, &no_trust, now).await;
        assert_eq!((verdict(&before, "authority"), verdict(&before, "certificate")), (Verdict::Note, Verdict::Note));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "it made something");

        Certificates::open(folder.path(), &[], Keys::Ecdsa).unwrap();
        let steps = examine_at(&args, &no_trust, now).await;
        assert!(all_right(&steps), "{steps:?}");
        assert_eq!(verdict(&steps, "authority"), Verdict::Warning);
        let names = ["scenario", "clock", "authority dates", "certificate names", "certificate dates", "port"];
        assert!(names.iter().all(|it| verdict(&steps, it) == Verdict::Ok), "{steps:?}");

        assert_eq!(verdict(&steps, "revocation list"), Verdict::Note);
        let named = revocation(&["http://localhost:9998/authority.crl".into()]);
        assert_eq!(named.verdict, Verdict::Ok);
        assert_eq!(named.what, "The certificate names http://localhost:9998/authority.crl.");

        let authority = read_certificates(&folder.path().join(tls::AUTHORITY)).unwrap();
        let steps = examine_at(&args, &Trust::new(authority, vec![]), now).await;
        assert_eq!(verdict(&steps, "authority"), Verdict::Ok);

        let later = examine_at(&args, &no_trust, now + Duration::days(390)).await;
        assert_eq!(verdict(&later, "certificate dates"), Verdict::Warning);
        let earlier = examine_at(&args, &no_trust, now - Duration::days(3650)).await;
        for step in ["clock", "authority dates", "certificate dates"] {
            assert_eq!(verdict(&earlier, step), Verdict::Failed, "{step}");
        }
    }

    #[tokio::test]
    async fn broken_things_are_failures_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let args = Subject {
            scenario: Some(file("s.yaml", "usesr: [anna]")),
            certs: folder.path().into(),
            hosts: vec!["mfa.contoso.com".into()],
            listen: vec![held.local_addr().unwrap()],
            admin: no_server(),
        };
        file(tls::AUTHORITY, "junk");
        let steps = examine_at(&args, &Trust::new(vec![], vec![]), OffsetDateTime::now_utc()).await;
        for (step, expected) in
            [("scenario", Verdict::Failed), ("authority", Verdict::Failed), ("port", Verdict::Warning)]
        {
            assert_eq!(verdict(&steps, step), expected, "{steps:?}");
        }
        assert!(steps.iter().all(|it| it.verdict != Verdict::Failed || !it.remedy.is_empty()), "{steps:?}");
    }
}
