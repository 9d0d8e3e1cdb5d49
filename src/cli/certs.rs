//! `locmfa certs`: the authority and the server's certificate.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::files;
use super::print::print;
use crate::contract::Secret;
use crate::tls::{self, Certificates, Keys, PfxCipher, Summary};
use crate::trust::{self, Wish};

#[derive(Args, Debug)]
pub(super) struct CertificateArgs {
    /// The folder of the authority and the server's certificate, made on the first start
    #[arg(long, value_name = "FOLDER", default_value = "certs")]
    certs: PathBuf,
    /// A further name or address for the server's certificate
    #[arg(long, value_name = "NAME")]
    pub(super) host: Vec<String>,
    /// Add an RSA certificate, for clients that cannot check ECDSA
    #[arg(long)]
    rsa: bool,
}

impl CertificateArgs {
    const fn keys(&self) -> Keys {
        if self.rsa { Keys::EcdsaAndRsa } else { Keys::Ecdsa }
    }

    /// The certificates of the folder, which must be there: nobody shall trust an authority that serves nobody.
    fn existing(&self) -> anyhow::Result<Certificates> {
        if !self.certs.join(tls::AUTHORITY).exists() {
            bail!(
                "there is no authority in {}; start the server first, or name its folder with --certs",
                self.certs.display()
            );
        }
        self.open()
    }

    /// The certificates of the folder, made where they are missing.
    pub(super) fn open(&self) -> anyhow::Result<Certificates> {
        Ok(Certificates::open(&self.certs, &self.host, self.keys())?)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Certs {
    /// Show the authority and the server's certificate, and how clients come to trust them
    Show(CertificateArgs),
    /// Make a new server certificate; the authority stays
    New(CertificateArgs),
    /// Write the server's certificate with its key to a PFX file, for IIS or another server
    Export(Export),
    /// Tell how clients come to trust the authority
    Trust(Trust),
    /// Tell how they come to trust it no longer
    Untrust(Trust),
}

#[derive(Args, Debug)]
pub(super) struct Export {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pfx: PathBuf,
    /// The file that holds the password; without it, the environment's LOCMFA_PFX_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How the file is encrypted
    #[arg(long, value_enum, default_value_t = Cipher::Aes)]
    cipher: Cipher,
}

#[derive(Args, Debug)]
pub(super) struct Trust {
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Do it on this machine (Windows, Debian, Ubuntu)
    #[arg(long)]
    run: bool,
}

/// How a PFX file is encrypted.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cipher {
    /// AES-256 with SHA-256: Windows Server 2019 and later
    Aes,
    /// 3DES with SHA-1: every Windows
    #[value(name = "3des")]
    TripleDes,
}

pub(super) fn run(command: &Certs) -> anyhow::Result<ExitCode> {
    match command {
        Certs::Show(args) => show(args, Renewal::Keep),
        Certs::New(args) => show(args, Renewal::New),
        Certs::Export(args) => export(args),
        Certs::Trust(args) => trusted(Wish::Trust, args),
        Certs::Untrust(args) => trusted(Wish::Untrust, args),
    }
}

/// Whether certificates are shown as they are or made anew.
#[derive(Clone, Copy, PartialEq)]
enum Renewal {
    Keep,
    New,
}

fn show(args: &CertificateArgs, renewal: Renewal) -> anyhow::Result<ExitCode> {
    let certificates = match renewal {
        Renewal::Keep => args.open()?,
        Renewal::New => Certificates::renew(&args.certs, &args.host, args.keys())?,
    };
    let mut text = String::new();
    if let Some(authority) = certificates.authority() {
        text += &described("Authority", authority);
    }
    for pair in certificates.pairs() {
        text += &described("Server", pair.summary());
    }
    text += "locmfa certs trust tells how clients come to trust the authority.\n";
    print(&text)
}

fn export(args: &Export) -> anyhow::Result<ExitCode> {
    let certificates = args.certificates.existing()?;
    let password = pfx_password(args.password_file.as_deref(), "--password-file")?;
    let cipher = match args.cipher {
        Cipher::Aes => PfxCipher::Aes,
        Cipher::TripleDes => PfxCipher::TripleDes,
    };
    certificates.pairs()[0].export_pfx(&args.pfx, &password, cipher)?;
    print(&format!("{} holds the server's certificate and its key.\n", args.pfx.display()))
}

fn trusted(wish: Wish, args: &Trust) -> anyhow::Result<ExitCode> {
    let certificates = args.certificates.existing()?;
    let authority = certificates.authority().context("there is no authority in that folder")?;
    if !args.run {
        return print(&trust::explained(wish, authority));
    }
    trust::run(wish, authority)?;
    print(match wish {
        Wish::Trust => "This machine trusts the authority.\n",
        Wish::Untrust => "This machine trusts the authority no longer.\n",
    })
}

fn described(title: &str, it: &Summary) -> String {
    let files: Vec<_> = it.files.iter().map(|it| it.display().to_string()).collect();
    let names = if it.names.is_empty() { String::new() } else { format!("  names     {}\n", it.names.join(", ")) };
    format!(
        "{title}\n  subject   {}\n{names}  valid     {} to {}\n  SHA-1     {}\n  SHA-256   {}\n  files     {}\n\n",
        it.subject,
        it.not_before.date(),
        it.not_after.date(),
        it.sha1,
        it.sha256,
        files.join("\n            "),
    )
}

/// The password of a PFX file: what a file holds in its first line, or the environment.
pub(super) fn pfx_password(file: Option<&Path>, flag: &str) -> anyhow::Result<Secret> {
    let Some(file) = file else {
        #[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
        let password = std::env::var(PFX_PASSWORD);
        return password.map(Secret::from).map_err(|_| {
            anyhow!("a PFX file has a password; write it into a file and name that with {flag}, or set {PFX_PASSWORD} in the environment")
        });
    };
    files::secret(file).context("the password of the PFX file")
}

const PFX_PASSWORD: &str = "LOCMFA_PFX_PASSWORD";
