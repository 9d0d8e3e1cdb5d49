//! The subject of a certificate, as Windows, .NET and OpenSSL write it.

use std::fmt;
use std::str::FromStr;

/// The name of a certificate's subject: its parts in order, each with one value or with several.
///
/// Comparisons ignore the letter case, the number of blanks, and the direction: Windows shows a name from the common
/// name up, others from the country down.
#[derive(Clone, Debug)]
pub struct SubjectName(Vec<Vec<(String, String)>>);

/// The keys with their object identifiers (RFC 4519, RFC 2985): the first spelling is the one that is shown. Windows
/// writes E, G, I, S and T, OpenSSL emailAddress, GN and ST.
const KEYS: &[(&str, &[&str])] = &[
    ("2.5.4.3", &["CN", "commonName"]),
    ("2.5.4.4", &["SN", "surname"]),
    ("2.5.4.5", &["SERIALNUMBER"]),
    ("2.5.4.6", &["C", "countryName"]),
    ("2.5.4.7", &["L", "localityName"]),
    ("2.5.4.8", &["ST", "S", "SP", "stateOrProvinceName"]),
    ("2.5.4.9", &["STREET", "streetAddress"]),
    ("2.5.4.10", &["O", "organizationName"]),
    ("2.5.4.11", &["OU", "organizationalUnitName"]),
    ("2.5.4.12", &["T", "title"]),
    ("2.5.4.17", &["postalCode"]),
    ("2.5.4.42", &["G", "GN", "givenName"]),
    ("2.5.4.43", &["I", "initials"]),
    ("2.5.4.46", &["dnQualifier"]),
    ("0.9.2342.19200300.100.1.1", &["UID", "userId"]),
    ("0.9.2342.19200300.100.1.25", &["DC", "domainComponent"]),
    ("1.2.840.113549.1.9.1", &["E", "emailAddress", "Email"]),
];

/// Characters for which a value stands in quotes.
const QUOTED: &[char] = &[',', ';', '+', '=', '"', '\\', '/', '<', '>', '#', '\r', '\n'];

impl SubjectName {
    /// The subject with these parts: object identifiers with their values.
    pub fn of(parts: impl IntoIterator<Item = Vec<(String, String)>>) -> Self {
        let named = |(key, value): (String, String)| (named(&key).unwrap_or(key), value);
        Self(parts.into_iter().map(|it| it.into_iter().map(named).collect()).collect())
    }

    /// Each part as comparisons take it.
    fn folded(&self) -> Vec<Vec<(String, String)>> {
        let blanks = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let part = |it: &Vec<(String, String)>| {
            let mut values: Vec<_> = it.iter().map(|(key, value)| (key.clone(), blanks(value))).collect();
            values.sort();
            values
        };
        self.0.iter().map(part).collect()
    }
}

impl PartialEq for SubjectName {
    fn eq(&self, other: &Self) -> bool {
        let (one, mut other) = (self.folded(), other.folded());
        one == other || {
            other.reverse();
            one == other
        }
    }
}

impl Eq for SubjectName {}

/// The key's shown spelling, by any of its spellings.
fn named(key: &str) -> Option<String> {
    let key = key.trim();
    let identifier = key.get(..4).filter(|it| it.eq_ignore_ascii_case("oid.")).map_or(key, |_| &key[4..]);
    let is_key =
        |(it, names): &&(&str, &[&str])| *it == identifier || names.iter().any(|it| it.eq_ignore_ascii_case(key));
    if let Some((_, names)) = KEYS.iter().find(is_key) {
        return Some(names[0].to_owned());
    }
    let is_identifier = identifier.contains('.') && identifier.chars().all(|it| it == '.' || it.is_ascii_digit());
    is_identifier.then(|| format!("OID.{identifier}"))
}

impl FromStr for SubjectName {
    type Err = String;

    /// Reads `CN=mim, O="Contoso, Ltd."` (Windows, .NET), `O = Contoso\, Ltd., CN = mim` (OpenSSL, RFC 4514) and
    /// `/O=Contoso, Ltd./CN=mim` (older OpenSSL). A separator is one only before a key.
    ///
    /// # Errors
    /// The rest of a sentence that begins with the text.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let separators: &[char] = if text.starts_with('/') { &['/', '+'] } else { &[',', ';', '\n', '+'] };
        let mut rest = text.strip_prefix('/').unwrap_or(text);
        let mut parts: Vec<Vec<_>> = Vec::new();
        let mut joins = false;
        loop {
            let (key, after) = rest.split_once('=').ok_or_else(|| format!("has no = in {rest:?}"))?;
            let key = named(key).ok_or_else(|| format!("has the key {:?}, which is unknown", key.trim()))?;
            let (value, end) = value(after, separators)?;
            match parts.last_mut().filter(|_| joins) {
                Some(part) => part.push((key, value)),
                None => parts.push(vec![(key, value)]),
            }
            let Some(separator) = after[end..].chars().next() else { return Ok(Self(parts)) };
            joins = separator == '+';
            rest = &after[end + separator.len_utf8()..];
        }
    }
}

/// Reads a value, and how many bytes it takes with the blanks around it.
fn value(text: &str, separators: &[char]) -> Result<(String, usize), String> {
    let trimmed = text.trim_start();
    let begin = text.len() - trimmed.len();
    let mut value = String::new();
    let mut rest = trimmed;
    if let Some(quoted) = trimmed.strip_prefix('"') {
        rest = quoted;
        loop {
            let at = rest.find(['"', '\\']).ok_or_else(|| format!("has no closing quote in {trimmed:?}"))?;
            value.push_str(&rest[..at]);
            rest = &rest[at..];
            let next = ["\"\"", "\\\"", "\\\\"].into_iter().find(|it| rest.starts_with(it));
            match next {
                Some(escape) => {
                    value.push_str(&escape[1..]);
                    rest = &rest[2..];
                }
                None if rest.starts_with('"') => {
                    let end = rest[1..].trim_start();
                    return match end.starts_with(separators) || end.is_empty() {
                        true => Ok((value, text.len() - end.len())),
                        false => Err(format!("has {end:?} behind a quote")),
                    };
                }
                None => {
                    value.push('\\');
                    rest = &rest[1..];
                }
            }
        }
    }
    let mut end = begin;
    while let Some(it) = rest.chars().next() {
        let (taken, length) = match it {
            '\\' => escaped(rest),
            it if separators.contains(&it) && begins_part(&rest[it.len_utf8()..]) => break,
            it => (it.to_string(), it.len_utf8()),
        };
        value.push_str(&taken);
        rest = &rest[length..];
        end += length;
    }
    Ok((value.trim_end().to_owned(), end))
}

/// Whether a key and `=` follow.
fn begins_part(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, _)| named(key).is_some())
}

/// What stands behind a backslash, and how many bytes it takes with it: a special character, the bytes of a character
/// beyond ASCII (RFC 4514), or else the backslash itself, which .NET writes as it is.
fn escaped(text: &str) -> (String, usize) {
    let byte = |it: &[u8]| match it {
        [b'\\', high, low] => data_encoding::HEXUPPER_PERMISSIVE.decode(&[*high, *low]).ok().map(|it| it[0]),
        _ => None,
    };
    let bytes: Vec<u8> = text.as_bytes().chunks(3).map_while(byte).collect();
    if let Ok(text) = String::from_utf8(bytes.clone())
        && !bytes.is_empty()
        && !bytes.is_ascii()
    {
        return (text, 3 * bytes.len());
    }
    match text[1..].chars().next() {
        Some(it) if QUOTED.contains(&it) || it == ' ' => (it.to_string(), 2),
        _ => ("\\".into(), 1),
    }
}

impl fmt::Display for SubjectName {
    /// As Windows writes it, in the order of the certificate or of the scenario.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (part, values) in self.0.iter().enumerate() {
            for (index, (key, value)) in values.iter().enumerate() {
                let before = match (part, index) {
                    (0, 0) => "",
                    (_, 0) => ", ",
                    _ => " + ",
                };
                match value.is_empty() || value.trim() != value || value.contains(QUOTED) {
                    true => {
                        let value = value.replace('\\', "\\\\").replace('"', "\"\"");
                        write!(f, "{before}{key}=\"{value}\"")?;
                    }
                    false => write!(f, "{before}{key}={value}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::SubjectName;

    fn read(text: &str) -> SubjectName {
        text.parse().unwrap_or_else(|why| panic!("{text} {why}"))
    }

    #[test]
    fn a_subject_is_one_however_windows_net_and_openssl_write_it() {
        let shown = r#"CN=Mim Service, OU=IT + UID=7, O="Contoso, Ltd.", ST=Köln, E=mim@contoso.com"#;
        let subject = read(shown);
        assert_eq!(subject.to_string(), shown);
        for same in [
            r#"cn=mim  service,ou=it+uid=7,o="contoso, ltd.",s=KÖLN,e=MIM@contoso.com"#,
            r#"E=mim@contoso.com, S=Köln, O="Contoso, Ltd.", OU=IT + UID=7, CN=Mim Service"#,
            r"emailAddress = mim@contoso.com, ST = K\C3\B6ln, O = Contoso\, Ltd., UID = 7 + OU = IT, CN = Mim Service",
            "/emailAddress=mim@contoso.com/ST=Köln/O=Contoso, Ltd./OU=IT+UID=7/CN=Mim Service",
            "CN=Mim Service\r\nOU=IT + OID.0.9.2342.19200300.100.1.1=7\r\nO=Contoso, Ltd.\r\n2.5.4.8=Köln\r\nOID.1.2.840.113549.1.9.1=mim@contoso.com",
        ] {
            assert_eq!(read(same), subject, "{same}");
        }
        for other in ["CN=Mim Service", "O=Contoso, CN=Mim Service", r#"CN="Mim Service, OU=IT""#] {
            assert_ne!(read(other), subject, "{other}");
        }
        // .NET writes a backslash as it is.
        assert_eq!(read(r"CN=CONTOSO\adam"), read(r"CN=CONTOSO\\adam"));
        for text in [r#"CN="a ""b"" \\ c", O="""#, r#"CN=" x""#, "OID.1.2.3=x"] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_subject_is_refused_with_the_reason() {
        for (text, why) in [
            ("mimservice", "has no = in \"mimservice\""),
            ("XX=mimservice", "has the key \"XX\", which is unknown"),
            ("CN=\"mimservice", "has no closing quote in \"\\\"mimservice\""),
            ("CN=\"mim\" service", "has \"service\" behind a quote"),
        ] {
            assert_eq!(text.parse::<SubjectName>().unwrap_err(), why);
        }
    }
}
