//! Telephone numbers as they are met: in their full spelling, or replaced by fictional ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::engine::{NotANumber, Number};

/// The numbers that were met.
#[derive(Default)]
pub(super) struct Numbers {
    pub fictional: bool,
    /// The country code of numbers that are written without one.
    pub country_code: String,
    /// The numbers that may be assigned, with their order.
    pub real: HashMap<String, usize>,
}

impl Numbers {
    /// Puts a number in its full spelling, and a fictional one in its place where that is asked.
    pub(super) fn settle(
        &mut self,
        fields: &mut Vec<(&'static str, String)>,
        keys: [&'static str; 3],
    ) -> Result<(), NotANumber> {
        let [country, phone, extension] = keys.map(|key| fields.iter().find(|it| it.0 == key).map(|it| it.1.clone()));
        let Some(phone) = phone else {
            fields.retain(|it| !keys.contains(&it.0));
            return Ok(());
        };
        let country_code = country.as_deref().unwrap_or_default().trim();
        let number = Number::read(&phone, country_code, extension.as_deref().unwrap_or_default(), &self.country_code)?;
        let mut text = number.to_string();
        if !number.is_fictional() {
            let next = self.real.len();
            let place = *self.real.entry(number.digits().into()).or_insert(next);
            if self.fictional {
                text = invented(place);
                if !number.extension().is_empty() {
                    text += &format!(" x{}", number.extension());
                }
            }
        }
        let at = fields.iter().position(|it| it.0 == keys[1]).expect("found above");
        fields[at].1 = text;
        fields.retain(|it| it.0 != keys[0] && it.0 != keys[2]);
        Ok(())
    }
}

/// A number that is not assigned; another for each place.
fn invented(place: usize) -> String {
    // Area codes 201 to 998 without N11 and 555, a hundred numbers in each.
    static AREAS: LazyLock<Vec<u32>> = LazyLock::new(|| (201..999).filter(|it| it % 100 != 11 && *it != 555).collect());
    let (round, place) = (place / (AREAS.len() * 100), place % (AREAS.len() * 100));
    let extension = if round == 0 { String::new() } else { format!(" x{round}") };
    format!("+1 {} 555 01{:02}{extension}", AREAS[place / 100], place % 100)
}
