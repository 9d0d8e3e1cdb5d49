//! `locmfa certs`: the authority and the server's certificate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::files::{self, OutArgs};
use super::print::Output;
use crate::contract::Secret;
use crate::tls::{self, Certificates, Keys, PfxCipher, RevocationList, Summary};
use crate::trust::{self, Change};

#[derive(Debug, Subcommand)]
pub(super) enum Certs {
    /// Show the authority and the server's certificate
    Show(Show),
    /// Make a new server certificate and keep the authority
    New(Show),
    /// Write the server's certificate with its key to a PFX file, for IIS or another server
    Export(Export),
    /// Show the commands that make clients trust the authority
    Trust(Trust),
    /// Show the commands that end this trust
    Untrust(Trust),
}

#[derive(Args, Clone, Debug)]
pub(super) struct CertificateArgs {
    /// The folder of the authority and the server's certificate; the first start makes both. `memory`: in no file, and
    /// new at each start; GET /authority.pem of the admin API has the authority
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    certs: PathBuf,
    /// Another name or address for the server's certificate
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,
    /// Add an RSA certificate, for clients that cannot verify ECDSA
    #[arg(long)]
    rsa: bool,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pfx: PathBuf,
    /// The file with the password [default: the environment variable LOCMFA_PFX_PASSWORD]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The encryption of the file
    #[arg(long, value_enum, default_value_t = Cipher::Aes)]
    cipher: Cipher,
}

#[derive(Args, Debug)]
pub(super) struct Trust {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Run the commands on this machine (Windows, Debian, Ubuntu)
    #[arg(long)]
    run: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cipher {
    /// AES-256 with SHA-256: Windows Server 2019 and later
    Aes,
    /// 3DES with SHA-1: every Windows
    #[value(name = "3des")]
    TripleDes,
}

impl Certs {
    pub(super) fn run(&self, out: &mut Output<'_>) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show(args) => show(&args.certificates.open()?, args.json, out)?,
            Self::New(Show { certificates: it, json, .. }) => {
                show(&Certificates::renew(&it.certs, &it.host, it.keys())?, *json, out)?;
            }
            Self::Export(args) => export(args, out)?,
            Self::Trust(args) => change_trust(Change::Trust, args, out)?,
            Self::Untrust(args) => change_trust(Change::Untrust, args, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl CertificateArgs {
    const fn keys(&self) -> Keys {
        if self.rsa { Keys::EcdsaAndRsa } else { Keys::Ecdsa }
    }

    /// The certificates of the folder. Missing ones are an error: a client must not trust an authority that no server
    /// uses.
    fn existing(&self) -> anyhow::Result<Certificates> {
        if !self.certs.join(tls::AUTHORITY).exists() {
            bail!(
                "there is no authority in {}; start the server first, or name its folder with --certs",
                self.certs.display()
            );
        }
        self.open()
    }

    /// Whether the certificates are in no file.
    pub(super) fn is_in_memory(&self) -> bool {
        self.certs == Path::new(MEMORY)
    }

    /// The certificates of the folder, or in memory. Missing ones are made.
    pub(super) fn open(&self) -> anyhow::Result<Certificates> {
        self.open_with(&RevocationList::AsBefore)
    }

    /// As [`Self::open`]. A certificate that names another revocation list is made again.
    pub(super) fn open_with(&self, list: &RevocationList) -> anyhow::Result<Certificates> {
        if self.is_in_memory() {
            return Ok(Certificates::in_memory(&self.host, self.keys())?);
        }
        Ok(Certificates::open_with(&self.certs, &self.host, self.keys(), list)?)
    }
}

fn show(certificates: &Certificates, json: bool, out: &mut Output<'_>) -> anyhow::Result<()> {
    if json {
        let servers: Vec<_> = certificates.pairs().iter().map(|it| as_json(it.summary())).collect();
        return out.json(&json!({"authority": certificates.authority().map(as_json), "servers": servers}));
    }
    if let Some(authority) = certificates.authority() {
        out.line(described("Authority", authority))?;
    }
    for pair in certificates.pairs() {
        out.line(described("Server", pair.summary()))?;
    }
    out.line("`locmfa certs trust` shows how clients come to trust the authority.")
}

fn export(args: &Export, out: &mut Output<'_>) -> anyhow::Result<()> {
    let certificates = args.certificates.existing()?;
    let password = pfx_password(args.password_file.as_deref(), "--password-file")?;
    let cipher = match args.cipher {
        Cipher::Aes => PfxCipher::Aes,
        Cipher::TripleDes => PfxCipher::TripleDes,
    };
    certificates.pairs()[0].export_pfx(&args.pfx, &password, cipher)?;
    out.line(format_args!("{} holds the server's certificate and its key.", args.pfx.display()))
}

fn change_trust(change: Change, args: &Trust, out: &mut Output<'_>) -> anyhow::Result<()> {
    let certificates = args.certificates.existing()?;
    let authority = certificates.authority().context("there is no authority in that folder")?;
    if !args.run {
        return out.print(&trust::explained(change, authority));
    }
    trust::run(change, authority)?;
    out.line(match change {
        Change::Trust => "This machine now trusts the authority.",
        Change::Untrust => "This machine no longer trusts the authority.",
    })
}

fn as_json(it: &Summary) -> Value {
    let moment = |it: OffsetDateTime| it.format(&Rfc3339).ok();
    json!({
        "subject": it.subject,
        "issuer": it.issuer,
        "names": it.names,
        "not_before": moment(it.not_before),
        "not_after": moment(it.not_after),
        "sha1": it.sha1,
        "sha256": it.sha256,
        "files": it.files,
    })
}

fn described(title: &str, it: &Summary) -> String {
    let files: Vec<_> = it.files.iter().map(|it| it.display().to_string()).collect();
    let names = if it.names.is_empty() { String::new() } else { format!("  names     {}\n", it.names.join(", ")) };
    format!(
        "{title}\n  subject   {}\n{names}  valid     {} to {}\n  SHA-1     {}\n  SHA-256   {}\n  files     {}\n",
        it.subject,
        it.not_before.date(),
        it.not_after.date(),
        it.sha1,
        it.sha256,
        files.join("\n            "),
    )
}

/// The password of a PFX file: the first line of a file, or the environment variable.
pub(super) fn pfx_password(file: Option<&Path>, flag: &str) -> anyhow::Result<Secret> {
    match file {
        Some(file) => files::secret(file).context("the password of the PFX file"),
        None => {
            #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
            let password = std::env::var(PFX_PASSWORD);
            password.map(Secret::from).map_err(|_| {
                anyhow!("a PFX file has a password; write it to a file and name that with {flag}, or set {PFX_PASSWORD} in the environment")
            })
        }
    }
}

/// The value of --certs for certificates that are in no file.
const MEMORY: &str = "memory";

const PFX_PASSWORD: &str = "LOCMFA_PFX_PASSWORD";
