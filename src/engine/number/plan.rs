//! How countries write numbers: country codes, international prefixes and trunk prefixes.
//!
//! Sources: ITU-T E.164, list of assigned country codes; ITU-T, *Dialling procedures* (annex to Operational Bulletin
//! 994); both compared with the metadata of libphonenumber 9.0.43.

use std::sync::LazyLock;

/// The prefix of calls within a country, which is not dialled behind the country code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trunk {
    Zero,
    /// There is none. No number begins with 0.
    None,
    /// There is none. A leading 0 belongs to the number.
    Dialled,
    /// A prefix that numbers can begin with too: a number of `length` digits is without it.
    Digits {
        prefix: &'static str,
        length: usize,
    },
}

const ZERO: &str = "20 211 212 213 218 231 232 233 234 243 249 250 251 252 254 255 256 260 261 262 263 264 265 27 \
    291 31 32 33 353 355 358 359 370 373 374 377 380 381 382 383 385 386 387 389 40 41 421 423 43 44 46 49 508 51 53 \
    54 55 57 58 590 591 593 594 595 596 598 60 61 62 63 64 66 686 81 82 84 850 855 856 86 880 886 90 91 92 93 94 95 \
    961 962 963 964 966 967 970 971 972 976 977 98 994 995 996";

const NONE: &str = "216 220 221 222 223 224 228 230 235 236 237 238 239 240 244 245 246 248 253 257 258 266 267 268 \
    269 290 297 298 299 30 34 350 351 352 354 356 357 371 372 376 420 45 47 48 500 501 502 503 504 505 506 507 509 52 \
    56 592 597 599 65 670 672 673 674 675 676 677 678 679 680 681 682 683 685 687 688 689 690 691 852 853 870 878 882 \
    883 960 965 968 973 974 975 979 998";

const DIALLED: &str = "225 226 227 229 241 242 247 378 379 39 800 808 881 888 992";

const DIGITS: &[(&str, &str, usize)] =
    &[("1", "1", 10), ("36", "06", 9), ("375", "80", 9), ("692", "1", 7), ("7", "8", 10), ("993", "8", 8)];

/// International prefixes beside 00, by the country where they are dialled; the longest first.
const INTERNATIONAL: &[(&str, &[&str])] = &[
    ("1", &["011"]),
    ("234", &["009"]),
    ("254", &["000"]),
    ("255", &["000"]),
    ("256", &["000"]),
    ("375", &["810"]),
    ("53", &["119"]),
    ("55", &["0014", "0015", "0021", "0031"]),
    ("57", &["009", "007", "005"]),
    ("592", &["001"]),
    ("61", &["0011"]),
    ("62", &["001", "007", "008"]),
    ("65", &["001", "002", "008"]),
    ("66", &["001", "007", "008", "009"]),
    ("680", &["011"]),
    ("692", &["011"]),
    ("7", &["810"]),
    ("81", &["010"]),
    ("82", &["001", "002"]),
    ("852", &["001"]),
    ("855", &["001", "007"]),
    ("886", &["002"]),
    ("976", &["001"]),
    ("992", &["810"]),
    ("993", &["810"]),
];

/// The length of the country code that a number begins with, and its trunk prefix. `None`: no such code is assigned.
pub(super) fn country_of(digits: &str) -> Option<(usize, Trunk)> {
    static PLANS: LazyLock<Vec<Option<(usize, Trunk)>>> = LazyLock::new(|| {
        let mut plans = vec![None; 1000];
        let lists = [(ZERO, Trunk::Zero), (NONE, Trunk::None), (DIALLED, Trunk::Dialled)];
        let listed = lists.into_iter().flat_map(|(codes, trunk)| codes.split(' ').map(move |it| (it, trunk)));
        let others = DIGITS.iter().map(|&(code, prefix, length)| (code, Trunk::Digits { prefix, length }));
        for (code, trunk) in listed.chain(others) {
            for (at, plan) in plans.iter_mut().enumerate() {
                if format!("{at:03}").starts_with(code) {
                    *plan = Some((code.len(), trunk));
                }
            }
        }
        plans
    });
    let mut first = [b'0'; 3];
    let length = digits.len().min(3);
    first[..length].copy_from_slice(&digits.as_bytes()[..length]);
    let at = first.iter().fold(0, |at, digit| at * 10 + usize::from(digit - b'0'));
    PLANS[at].filter(|it| it.0 <= length)
}

/// The trunk prefix of a country.
pub(super) fn trunk(country: &str) -> Option<Trunk> {
    country_of(country).filter(|it| it.0 == country.len()).map(|it| it.1)
}

/// The digits behind an international prefix that is dialled in a country, or behind 00.
pub(super) fn without_international_prefix<'a>(digits: &'a str, country: &str) -> Option<&'a str> {
    // Most prefixes begin with 0, and few numbers do.
    if !digits.starts_with(['0', '8', '1']) {
        return None;
    }
    let own = INTERNATIONAL.iter().find(|it| it.0 == country).map_or(&[][..], |it| it.1);
    own.iter().chain(&["00"]).find_map(|it| digits.strip_prefix(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_code_is_in_one_row_and_begins_no_other() {
        let mut codes: Vec<&str> = [ZERO, NONE, DIALLED].into_iter().flat_map(|it| it.split(' ')).collect();
        codes.extend(DIGITS.iter().map(|it| it.0));
        codes.sort_unstable();
        for pair in codes.windows(2) {
            assert!(!pair[1].starts_with(pair[0]), "{pair:?}");
        }
        assert!(codes.iter().all(|it| trunk(it).is_some()));
        assert!(INTERNATIONAL.iter().all(|it| trunk(it.0).is_some()));
        assert!(codes.len() > 200, "{}", codes.len());
    }

    #[test]
    fn country_codes_are_found_by_their_first_digits() {
        let length = |digits| country_of(digits).map(|it| it.0);
        assert_eq!((length("14255550100"), length("447700900123"), length("35312345678")), (Some(1), Some(2), Some(3)));
        assert_eq!(
            (length("4255550100"), length("84951234567"), length("8"), length("0")),
            (None, Some(2), None, None)
        );
    }
}
