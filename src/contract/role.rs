//! What a parameter means, whatever operation has it.

/// Declares the roles: each beside the wire names that carry it.
macro_rules! roles {
    ($($(#[doc = $doc:literal])* $role:ident = $($name:literal)|+;)*) => {
        /// What a parameter says of a call. Rules, the journal and the admin API find parameters by their roles.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Role {
            $($(#[doc = $doc])* $role,)*
        }

        impl Role {
            /// The role of a parameter by its wire name; `None` for all that only its own operation reads.
            #[must_use]
            pub const fn of(name: &str) -> Option<Self> {
                $($(if is_same(name, $name) {
                    return Some(Self::$role);
                })+)*
                None
            }
        }
    };
}

roles! {
    /// Who the call is about, as the caller wrote it.
    Username = "username" | "oldUsername";
    /// A phone number that the caller gives in place of the stored one.
    PhoneNumber = "phoneNumber";
    CountryCode = "countryCode";
    Extension = "extension";
    /// A phone call that an earlier call opened.
    CallIdentifier = "callIdentifier";
    InitiatingType = "initiatingAuthenticationType";
    /// Where the user signs in from, as the caller wrote it.
    IpAddress = "initiatingIpAddress";
    Application = "applicationName";
    /// The event that a phone call asks the user to confirm.
    Event = "eventName";
    Mode = "mode";
}

/// `==`, which constants do not have for texts.
pub(super) const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
