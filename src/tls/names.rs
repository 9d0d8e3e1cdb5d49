//! The names that a certificate is for.

use std::collections::HashSet;
#[cfg(not(windows))]
use std::fs;
use std::net::IpAddr;

use rcgen::SanType;
use rustls::pki_types::DnsName;

use super::error::TlsError;

/// The requested names, the names of this machine, and loopback: each once, as a certificate writes it.
///
/// # Errors
/// A requested name is neither a host name nor an IP address.
pub(super) fn all_names(names: &[String]) -> Result<Vec<String>, TlsError> {
    let mut all = Vec::new();
    for name in names {
        let name = name.trim().trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        if !is_name(&name) {
            return Err(TlsError::new(
                format!("`{name}` is neither a host name nor an IP address"),
                "give --host a name as it stands in the URL, such as mfa01.contoso.com",
            ));
        }
        all.push(name.parse::<IpAddr>().map_or(name, |address| address.to_string()));
    }
    all.extend(own_names());
    all.extend(["localhost", "127.0.0.1", "::1"].map(String::from));
    let mut seen = HashSet::new();
    all.retain(|name| seen.insert(name.clone()));
    Ok(all)
}

fn is_name(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || DnsName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

pub(super) fn alternative(name: &str) -> Result<SanType, TlsError> {
    Ok(match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().map_err(|error| TlsError::unmakeable(&error))?),
    })
}

/// The name of this machine, with its domain if it has one.
#[must_use]
pub fn host_name() -> String {
    own_names().pop().unwrap_or_else(|| "localhost".into())
}

/// The short name and the full name of this machine, from its own settings. No name server is asked, because that
/// can take seconds.
pub(super) fn own_names() -> Vec<String> {
    let Some(host) = hostname::get().ok().and_then(|name| name.into_string().ok()) else { return Vec::new() };
    let host = host.to_ascii_lowercase();
    let short = host.split('.').next().unwrap_or(&host).to_owned();
    let full = if host == short { full_name(&short) } else { Some(host) };
    [Some(short), full].into_iter().flatten().filter(|name| is_name(name)).collect()
}

#[cfg(windows)]
fn full_name(short: &str) -> Option<String> {
    let parameters =
        windows_registry::LOCAL_MACHINE.open(r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters").ok()?;
    let domain = parameters.get_string("Domain").ok().filter(|domain| !domain.is_empty())?;
    Some(format!("{short}.{}", domain.to_ascii_lowercase()))
}

#[cfg(not(windows))]
fn full_name(short: &str) -> Option<String> {
    full_name_in(&fs::read_to_string("/etc/hosts").ok()?, short)
}

/// The first name in a hosts file that is the short name with a domain.
#[cfg(any(not(windows), test))]
fn full_name_in(hosts: &str, short: &str) -> Option<String> {
    hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split_whitespace().skip(1))
        .map(str::to_ascii_lowercase)
        .find(|name| name.strip_prefix(short).is_some_and(|rest| rest.starts_with('.') && rest.len() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_full_name_comes_from_the_hosts_file() {
        let hosts =
            "127.0.0.1 localhost\n# 10.0.0.1 mfa01.wrong\n10.0.0.1\tmfa011.contoso.com MFA01.contoso.com mfa01\n";
        assert_eq!(full_name_in(hosts, "mfa01").as_deref(), Some("mfa01.contoso.com"));
        assert_eq!(full_name_in(hosts, "mfa02"), None);
    }
}
