//! `locmfa mim …`: a function for each command.

mod access;
mod call;
mod connect;

use std::io::{self, IsTerminal, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use similar::TextDiff;
use time::OffsetDateTime;

use access::Access;
pub use call::Call;
pub use connect::Connect;

use crate::mim::backup::{self, Backup};
use crate::mim::check::{self, Checked, Finding, Problem};
use crate::mim::settings::{Edit, Key, Settings, secrets};
use crate::mim::{self, Service};
use crate::scenario::{self, Severity};

/// Commands for Microsoft Identity Manager's side.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find what is wrong in an MfaSettings.xml
    Check(Check),
    /// Point an MfaSettings.xml at a server, as Microsoft's article does
    Configure(Configure),
    /// Restore what an MfaSettings.xml was before configure
    Revert(Revert),
    /// Call as MIM does for one of its gates, and tell the outcome
    Call(Call),
    /// Find what stands between MIM and the service: name, port, TLS, certificate, sign-in, rights, user
    Connect(Connect),
}

#[derive(Args, Debug)]
pub struct Check {
    /// The settings file
    #[cfg_attr(
        windows,
        arg(default_value = r"C:\Program Files\Microsoft Forefront Identity Manager\2010\Service\MfaSettings.xml")
    )]
    file: PathBuf,
    /// How to tell
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Go on along the connection, as `locmfa mim connect` does; so it is where the URL leads to this machine
    #[arg(long, overrides_with = "no_connect")]
    connect: bool,
    /// Look at the file alone
    #[arg(long, overrides_with = "connect")]
    no_connect: bool,
    #[command(flatten)]
    access: Access,
}

#[derive(Args, Debug)]
pub struct Configure {
    /// The settings file
    file: PathBuf,
    /// The service's URL, for LOCMFASRV; a locmfa that starts says its own
    #[arg(long, value_parser = url)]
    url: String,
    /// The account that MIM names in its calls, such as mimservice@contoso.com
    #[arg(long, value_name = "NAME", value_parser = username)]
    username: String,
    /// Write without asking
    #[arg(long)]
    yes: bool,
    /// Write although CustomPhoneProvider is set, which stays as it is
    #[arg(long)]
    force: bool,
}

#[derive(Args, Debug)]
pub struct Revert {
    /// The settings file
    file: PathBuf,
    /// The backup to restore; without it, the newest
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Restore although the file was changed since; what it holds is kept as a backup
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Asks a yes-or-no question. `None`: nobody is there to be asked.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> io::Result<Option<bool>>;

/// Runs a command and tells its exit code: 0 done or nothing wrong, 1 findings that are errors, or a refusal.
///
/// # Errors
/// A sentence with a remedy where a file cannot be read or written.
pub async fn run(command: &Command, out: &mut (dyn Write + Send), ask: Ask<'_>) -> anyhow::Result<ExitCode> {
    match command {
        Command::Call(args) => call::run(args, out).await,
        Command::Connect(args) => connect::run(args, out).await,
        Command::Check(args) => match check(args, out).await {
            // The reader, such as `head`, has seen enough.
            Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            result => result,
        },
        Command::Configure(args) => configure(args, out, ask),
        Command::Revert(args) => revert(args, out),
    }
}

/// Asks at the terminal.
///
/// # Errors
/// The terminal broke.
pub fn ask(question: &str) -> io::Result<Option<bool>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut err = io::stderr();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}

async fn check(args: &Check, out: &mut (dyn Write + Send)) -> anyhow::Result<ExitCode> {
    let Checked { findings, service, .. } = check::file(&args.file)?;
    match args.format {
        Format::Json => {
            let json = serde_json::to_string_pretty(&findings).context("the findings as JSON")?;
            writeln!(out, "{json}")?;
        }
        Format::Text => {
            findings.iter().try_for_each(|it| writeln!(out, "{it}\n"))?;
            writeln!(out, "{}: {}", args.file.display(), summary(&findings))?;
        }
    }
    let is_wrong = findings.iter().any(|it| it.severity == Severity::Error);
    let is_local = service.as_ref().and_then(|it| it.host()).is_some_and(is_this_machine);
    let goes_on = service.is_some() && !args.no_connect && (args.connect || is_local);
    if !goes_on || matches!(args.format, Format::Json) {
        return Ok(ExitCode::from(u8::from(is_wrong)));
    }
    writeln!(out)?;
    let service = Service::of_file(&args.file)?;
    let client = args.access.client(service.target.clone())?;
    let (mut written, mut all_right) = (Ok(()), true);
    mim::connect::check(&client, &service, None, &mut |step| {
        all_right &= step.is_right();
        if written.is_ok() {
            written = step.tell(out);
        }
    })
    .await;
    written?;
    Ok(ExitCode::from(u8::from(is_wrong || !all_right)))
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
}

/// Such as `2 errors, 1 note`.
fn summary(findings: &[Finding]) -> String {
    match scenario::summary(findings.iter().map(|it| it.severity)) {
        none if none.is_empty() => "nothing is wrong".into(),
        counts => counts,
    }
}

fn configure(args: &Configure, out: &mut dyn Write, ask: Ask<'_>) -> anyhow::Result<ExitCode> {
    let file = real(&args.file);
    let (bytes, _) = check::read(&file)?;
    let source = args.file.display().to_string();
    let refuse = |out: &mut dyn Write, findings: &[Finding]| -> anyhow::Result<ExitCode> {
        findings.iter().try_for_each(|it| writeln!(out, "{it}\n"))?;
        writeln!(out, "{source}: nothing was changed")?;
        Ok(ExitCode::from(1))
    };
    let settings = match Settings::read(&bytes) {
        Ok(settings) => settings,
        Err(broken) => return refuse(out, &[Finding::of_broken(&source, broken)]),
    };
    let mut found = check::structure(&settings);
    let provider = settings.all(Key::CustomPhoneProvider).find(|it| !it.value.trim().is_empty());
    if let Some(entry) = provider.filter(|_| !args.force) {
        found.push((Problem::CustomProvider {}, Some(entry.span(settings.text()))));
    }
    if !found.is_empty() {
        let findings = Finding::all(&source, settings.text(), found);
        let code = refuse(out, &findings)?;
        if provider.is_some() && !args.force {
            writeln!(
                out,
                "With --force the other entries are written; the library stays set, and MIM goes on calling it."
            )?;
        }
        return Ok(code);
    }

    let edits = edits(&args.url, &args.username);
    let text = settings.edited(&edits);
    if text == settings.text() {
        writeln!(out, "{source} is configured so already; nothing was changed")?;
        return Ok(ExitCode::SUCCESS);
    }
    backup::refuse_read_only(&file)?;
    let changed = settings.encoded(&text);
    if !holds(&changed, &edits) {
        bail!(
            "{source} would not hold what it should, so nothing was changed. Write the entries by hand, and please report this."
        );
    }
    write!(out, "{}", diff(settings.text(), &text, &source))?;
    for problem in check::url(&args.url) {
        writeln!(out, "{}: {problem} {}", problem.severity(), problem.remedy())?;
    }
    if !args.yes {
        match ask(&format!("Write these changes to {source}?"))? {
            Some(true) => (),
            Some(false) => {
                writeln!(out, "{source}: nothing was changed")?;
                return Ok(ExitCode::from(1));
            }
            None => bail!("nobody is there to be asked, so nothing was changed. Add --yes to write without asking."),
        }
    }

    let backup = Backup::keep(&file, &bytes, &changed, OffsetDateTime::now_utc())?;
    backup::replace(&file, &bytes, &changed)?;
    writeln!(
        out,
        "{source} was written.\n\
         Its backup is {}.\n\
         {RESTART}\n\
         The way back is: locmfa mim revert \"{source}\"\n\
         If text messages fail and calls work: MIM 4.5.202.0 does so with every local server, and later hotfixes do not.",
        backup.display()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn revert(args: &Revert, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let file = real(&args.file);
    let source = args.file.display();
    let (current, _) = check::read(&file)?;
    let (path, bytes, is_expected) = match &args.backup {
        None => {
            let backups = Backup::all(&file).with_context(|| format!("the folder of {source} cannot be read"))?;
            let Some(newest) = backups.last() else {
                bail!(
                    "there is no backup beside {source}; only `locmfa mim configure` makes them. Name another one with --backup."
                );
            };
            (newest.path.clone(), newest.read()?, newest.is_followed_by(&current))
        }
        Some(path) => match Backup::at(path, &file) {
            Some(backup) => (path.clone(), backup.read()?, backup.is_followed_by(&current)),
            // Somebody else's copy: nothing says what came after it.
            None => (path.clone(), check::read(path)?.0, false),
        },
    };
    if current == bytes {
        writeln!(out, "{source} is what its backup {} holds; nothing was changed", path.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    if !is_expected && !args.force {
        bail!(
            "{source} is not what `locmfa mim configure` wrote after the backup {}, so somebody else changed one of them, and nothing was restored. Compare the two; --force restores the backup and keeps what the file holds as another.",
            path.display()
        );
    }
    backup::refuse_read_only(&file)?;
    if !is_expected {
        let kept = Backup::keep(&file, &current, &bytes, OffsetDateTime::now_utc())?;
        writeln!(out, "What {source} held is kept in {}.", kept.display())?;
    }
    backup::replace(&file, &current, &bytes)?;
    writeln!(out, "{source} is what it was, from {}.\n{RESTART}", path.display())?;
    Ok(ExitCode::SUCCESS)
}

const RESTART: &str = "The MIM Service must be restarted, and goes on as before until then. In PowerShell as administrator: Restart-Service FIMService";

/// The article's changes.
fn edits<'a>(url: &'a str, username: &'a str) -> Vec<Edit<'a>> {
    let set = [Edit::Set(Key::Username, username), Edit::Set(Key::Locmfa, "true"), Edit::Set(Key::Locmfasrv, url)];
    Key::OF_CLOUD.iter().map(|it| Edit::Clear(*it)).chain(set).collect()
}

/// Whether a file can be read back, and needs none of the edits any more.
fn holds(bytes: &[u8], edits: &[Edit<'_>]) -> bool {
    Settings::read(bytes).is_ok_and(|it| it.edited(edits) == it.text())
}

/// The file itself, where it is named by a link: the link shall not be replaced.
fn real(file: &Path) -> PathBuf {
    match file.is_symlink() {
        true => file.canonicalize().unwrap_or_else(|_| file.into()),
        false => file.into(),
    }
}

/// What changes, as a unified diff without secrets.
fn diff(before: &str, after: &str, name: &str) -> String {
    let (before, after) = (shown(before), shown(after));
    let diff = TextDiff::from_lines(&before, &after);
    diff.unified_diff().header(name, &format!("{name} (new)")).to_string()
}

/// A text as it may be shown: secrets are eight stars, whatever their length, and lines end alike.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for secret in secrets(text) {
        shown += &text[at..secret.start];
        let lines = text[secret.clone()].split_inclusive('\n');
        lines.for_each(|it| shown += if it.ends_with('\n') { "********\n" } else { "********" });
        at = secret.end;
    }
    shown += &text[at..];
    let shown = shown.replace("\r\n", "\n").replace('\r', "\n");
    shown.replace(|it: char| it.is_control() && it != '\n' && it != '\t', "\u{fffd}")
}

/// A URL for `LOCMFASRV` that MIM can call.
fn url(value: &str) -> Result<String, String> {
    match check::url(value).into_iter().find(|it| it.severity() == Severity::Error) {
        Some(problem) => Err(format!("{problem} {}", problem.remedy())),
        None => Ok(value.into()),
    }
}

fn username(value: &str) -> Result<String, String> {
    match value.trim() != value || value.is_empty() || value.contains(char::is_control) {
        true => Err("It needs a name without spaces around it, such as mimservice@contoso.com.".into()),
        false => Ok(value.into()),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::BrokenPipe)
}
