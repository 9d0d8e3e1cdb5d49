//! The secrets of users: PINs, OATH tokens, security questions, the static token.

use super::Directory;
use super::user::User;
use crate::contract::{Secret, UserPin, UserSecurityAnswerResults, UserSecurityQuestions, UserSettings};
use crate::engine::company::Token;
use crate::engine::{Refusal, Timestamp, oath};

/// The longest PIN, in digits.
const PIN: usize = 64;

/// The longest token or answer, in bytes.
const SECRET: usize = 4096;

impl Directory {
    /// Changes a user's PIN, and whether it must be changed. A missing PIN stays.
    ///
    /// # Errors
    /// As [`Self::user`]; a refusal by the PIN rules.
    pub(in crate::engine) fn change_pin(
        &mut self,
        now: Timestamp,
        username: &str,
        it: &UserPin,
    ) -> Result<(), Refusal> {
        let user = self.user_mut(username)?;
        if let Some(pin) = &it.pin {
            user.check_pin(pin.reveal())?;
            user.set_pin(now, pin.clone());
        }
        user.settings.pin_change_required = it.pin_change_required;
        Ok(())
    }

    /// Checks a user's PIN.
    ///
    /// # Errors
    /// `WrongPin`, and those of [`Self::user`].
    pub fn validate_pin(&self, username: &str, pin: &str) -> Result<(), Refusal> {
        let user = self.user(username)?;
        match &user.settings.pin {
            Some(own) if own.reveal() == pin && !pin.is_empty() => Ok(()),
            _ => Err(Refusal::WrongPin { username: user.username.clone() }),
        }
    }

    /// Gives a user an OATH token, once a code proves that the user holds it. Interval 0 stands for 30 seconds.
    ///
    /// # Errors
    /// As [`Self::user`]; `TooLong`, `BadSecretKey`, `BadInterval`, `WrongOathCode`.
    pub(in crate::engine) fn enroll_token(
        &mut self,
        now: Timestamp,
        username: &str,
        key: &str,
        code: &str,
        interval: i32,
    ) -> Result<(), Refusal> {
        let user = self.user_mut(username)?;
        let interval = match interval {
            0 => 30,
            1..=86_400 => interval,
            seconds => return Err(Refusal::BadInterval { seconds }),
        };
        let step = proven(now, key, code, interval)?;
        user.set_token("", key, interval, step);
        Ok(())
    }

    /// Gives a user that one of `tokens` that has a serial number, once a code proves that the user holds it.
    ///
    /// # Errors
    /// As [`Self::enroll_token`]; `UnknownToken`, and `TokenTaken`, which names the user who has it.
    pub(in crate::engine) fn assign_token(
        &mut self,
        now: Timestamp,
        username: &str,
        serial: &str,
        code: &str,
        tokens: &[Token],
    ) -> Result<(), Refusal> {
        let name = self.user(username)?.username.clone();
        let serial = serial.trim();
        let unknown = || Refusal::UnknownToken { serial_number: serial.into() };
        let token = tokens.iter().find(|it| it.serial_number == serial).ok_or_else(unknown)?.clone();
        let holds = |it: &&User| it.settings.oath_token_serial_number.as_deref() == Some(serial);
        if let Some(other) = self.iter().find(holds).filter(|it| it.username != name) {
            return Err(Refusal::TokenTaken { serial_number: serial.into(), username: other.username.clone() });
        }
        let step = proven(now, token.secret_key.reveal(), code, token.time_interval)?;
        self.user_mut(&name)?.set_token(serial, token.secret_key.reveal(), token.time_interval, step);
        Ok(())
    }

    /// Changes a user's static token; an empty one removes it.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub(in crate::engine) fn change_static_token(&mut self, username: &str, token: &str) -> Result<(), Refusal> {
        let user = self.user_mut(username)?;
        bounded("staticToken", token)?;
        user.settings.static_token = Some(token).filter(|it| !it.is_empty()).map(Into::into);
        user.settings.enable_static_token = user.settings.static_token.is_some();
        Ok(())
    }

    /// Checks a user's static token.
    ///
    /// # Errors
    /// `NoStaticToken`, `WrongStaticToken`, and those of [`Self::user`].
    pub(in crate::engine) fn validate_static_token(&self, username: &str, token: &str) -> Result<(), Refusal> {
        let user = self.user(username)?;
        let username = || user.username.clone();
        match &user.settings.static_token {
            Some(own) if user.settings.enable_static_token => match own.reveal() == token {
                true => Ok(()),
                false => Err(Refusal::WrongStaticToken { username: username() }),
            },
            _ => Err(Refusal::NoStaticToken { username: username() }),
        }
    }

    /// A user's security questions; the answers only with `reveal_answers`.
    ///
    /// # Errors
    /// As [`Self::user`].
    pub(in crate::engine) fn questions(
        &self,
        username: &str,
        reveal_answers: bool,
    ) -> Result<UserSecurityQuestions, Refusal> {
        let mut questions = self.user(username)?.questions.as_deref().cloned().unwrap_or_default();
        if !reveal_answers {
            pairs_mut(&mut questions).into_iter().filter_map(|it| it.1.as_mut()).for_each(|it| *it = Secret::default());
        }
        Ok(questions)
    }

    /// Changes a user's security questions. Pairs that are empty are none.
    ///
    /// # Errors
    /// As [`Self::user`]; `HalfAQuestion`.
    pub fn change_questions(&mut self, username: &str, mut it: UserSecurityQuestions) -> Result<(), Refusal> {
        let user = self.user_mut(username)?;
        for (number, (question, answer)) in (1..).zip(pairs_mut(&mut it)) {
            bounded("securityAnswer", answer.as_ref().map(Secret::reveal).unwrap_or_default())?;
            let asks = question.as_ref().is_some_and(|it| !it.trim().is_empty());
            let answers = answer.as_ref().is_some_and(|it| !it.reveal().trim().is_empty());
            if asks != answers {
                return Err(Refusal::HalfAQuestion { number });
            }
            if !asks {
                (*question, *answer) = (None, None);
            }
        }
        user.questions = (it != UserSecurityQuestions::default()).then(|| Box::new(it));
        Ok(())
    }

    /// Checks the answers to a user's security questions, of which `needed` must be right. Letter case and blanks
    /// around them make no difference.
    ///
    /// # Errors
    /// As [`Self::user`]; `NoQuestions`.
    pub(in crate::engine) fn check_answers(
        &self,
        username: &str,
        mut it: UserSecurityQuestions,
        needed: usize,
    ) -> Result<(UserSecurityAnswerResults, Result<(), Refusal>), Refusal> {
        let user = self.user(username)?;
        let none = || Refusal::NoQuestions { username: user.username.clone() };
        let mut own = user.questions.as_deref().ok_or_else(none)?.clone();
        let plain = |it: &Option<Secret>| it.as_ref().map(|it| it.reveal().trim().to_lowercase()).unwrap_or_default();
        let mut right = [false; 4];
        for (right, (own, given)) in right.iter_mut().zip(pairs_mut(&mut own).into_iter().zip(pairs_mut(&mut it))) {
            *right = !plain(own.1).is_empty() && plain(own.1) == plain(given.1);
        }
        let results = UserSecurityAnswerResults {
            security_answer1_correct: right[0],
            security_answer2_correct: right[1],
            security_answer3_correct: right[2],
            security_answer4_correct: right[3],
        };
        let right = right.iter().filter(|it| **it).count();
        let passed = if right >= needed { Ok(()) } else { Err(Refusal::WrongAnswers { right, needed }) };
        Ok((results, passed))
    }
}

impl User {
    /// Checks a new PIN by the user's PIN rules.
    pub(super) fn check_pin(&self, pin: &str) -> Result<(), Refusal> {
        let it = &self.settings;
        if !pin.bytes().all(|it| it.is_ascii_digit()) {
            return Err(Refusal::PinNotDigits {});
        }
        let minimum = usize::try_from(it.minimum_pin_length).unwrap_or_default().clamp(1, PIN);
        if pin.len() < minimum {
            return Err(Refusal::PinTooShort { minimum });
        }
        if pin.len() > PIN {
            return Err(Refusal::TooLong { field: "pin".into(), limit: PIN });
        }
        if let Some(why) = weakness(pin, it).filter(|_| it.prevent_weak_pins) {
            return Err(Refusal::PinTooWeak { why });
        }
        let last = usize::try_from(it.historical_pins).unwrap_or_default();
        match self.former_pins().take(last).any(|it| it == pin) {
            true => Err(Refusal::PinReused { last }),
            false => Ok(()),
        }
    }

    fn set_pin(&mut self, now: Timestamp, pin: Secret) {
        let last = usize::try_from(self.settings.historical_pins).unwrap_or_default();
        let former: Vec<_> = self.former_pins().take(last).collect();
        let former = former.join(",");
        self.settings.historical_pin_values = Some(former).filter(|it| !it.is_empty()).map(Into::into);
        self.settings.pin = Some(pin);
        self.pin_changed = now;
    }

    /// The PIN and the former ones, the newest first.
    fn former_pins(&self) -> impl Iterator<Item = &str> {
        let former = self.settings.historical_pin_values.as_ref().map(Secret::reveal).unwrap_or_default();
        let own = self.settings.pin.as_ref().map(Secret::reveal);
        own.into_iter().chain(former.split(',').map(str::trim)).filter(|it| !it.is_empty())
    }

    fn set_token(&mut self, serial: &str, key: &str, interval: i32, step: u64) {
        self.settings.oath_token_serial_number = Some(serial.into());
        self.settings.oath_token_secret_key = Some(key.into());
        self.settings.oath_token_time_interval = interval;
        // The code that proved the token is used.
        self.oath_step = Some(step);
    }

    /// The keys whose codes the user can read: the token's, then those of the phones with the mobile app.
    pub(in crate::engine) fn oath_keys(&self) -> impl Iterator<Item = OathKey> {
        let token = self.settings.oath_token_secret_key.as_ref().map(|it| (None, it));
        let devices = self.devices.iter().enumerate().filter_map(|(at, it)| Some((Some(at), it.oath_key.as_ref()?)));
        token.into_iter().chain(devices).filter_map(|(device, key)| {
            let interval = if device.is_none() { self.settings.oath_token_time_interval } else { 30 };
            Some(OathKey { device, key: oath::key(key.reveal())?, interval })
        })
    }

    /// The code that the user can read at a time: the token's, or that of the first phone with a key.
    #[must_use]
    pub fn token_code(&self, now: Timestamp) -> Option<String> {
        let it = self.oath_keys().next()?;
        Some(oath::code(&it.key, oath::step(now, it.interval)))
    }

    /// The time step of the newest code of a key that was accepted.
    pub(in crate::engine) fn oath_step_mut(&mut self, of: &OathKey) -> &mut Option<u64> {
        match of.device {
            None => &mut self.oath_step,
            Some(at) => &mut self.devices[at].oath_step,
        }
    }
}

/// An OATH key and its holder.
pub(in crate::engine) struct OathKey {
    /// The place of the phone in the user's list. `None`: the token.
    device: Option<usize>,
    pub key: Vec<u8>,
    /// Seconds.
    pub interval: i32,
}

/// Why a PIN is easy to guess; `None` if it is not.
fn weakness(pin: &str, it: &UserSettings) -> Option<&'static str> {
    let runs = |step: i16| {
        pin.as_bytes().windows(3).any(|it| it.windows(2).all(|it| i16::from(it[1]) - i16::from(it[0]) == step))
    };
    let numbers = [(&it.country_code, &it.phone), (&it.backup_country_code, &it.backup_phone)];
    let digits =
        |text: &Option<String>| text.iter().flat_map(|it| it.chars()).filter(char::is_ascii_digit).collect::<String>();
    let numbers = numbers.map(|(country, phone)| digits(country) + &digits(phone));
    let piece = |it: &[u8]| numbers.iter().any(|number| number.as_bytes().windows(4).any(|window| window == it));
    if runs(0) {
        return Some("three equal digits in a row");
    }
    if runs(1) || runs(-1) {
        return Some("three consecutive digits in a row");
    }
    pin.as_bytes().windows(4).any(piece).then_some("four digits of the user's telephone number")
}

/// The time step of a code that proves a key.
fn proven(now: Timestamp, key: &str, code: &str, interval: i32) -> Result<u64, Refusal> {
    bounded("secretKey", key)?;
    let key = oath::key(key).ok_or(Refusal::BadSecretKey {})?;
    let current = oath::step(now, interval);
    let shown = |step: &u64| oath::code(&key, *step) == code.trim();
    (current.saturating_sub(1)..=current + 1).find(shown).ok_or(Refusal::WrongOathCode {})
}

fn bounded(field: &str, text: &str) -> Result<(), Refusal> {
    match text.len() > SECRET {
        true => Err(Refusal::TooLong { field: field.into(), limit: SECRET }),
        false => Ok(()),
    }
}

fn pairs_mut(it: &mut UserSecurityQuestions) -> [(&mut Option<String>, &mut Option<Secret>); 4] {
    [
        (&mut it.security_question1, &mut it.security_answer1),
        (&mut it.security_question2, &mut it.security_answer2),
        (&mut it.security_question3, &mut it.security_answer3),
        (&mut it.security_question4, &mut it.security_answer4),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_weak_for_a_reason() {
        let settings = UserSettings {
            country_code: Some("1".into()),
            phone: Some("4255550100".into()),
            backup_phone: Some("2065550188".into()),
            ..UserSettings::default()
        };
        let weakness = |pin| weakness(pin, &settings);
        assert_eq!(weakness("2225"), Some("three equal digits in a row"));
        assert_eq!(weakness("9123"), Some("three consecutive digits in a row"));
        assert_eq!(weakness("3219"), Some("three consecutive digits in a row"));
        assert_eq!(weakness("90100"), Some("four digits of the user's telephone number"));
        assert_eq!(weakness("0188"), Some("four digits of the user's telephone number"));
        assert_eq!(weakness("1357"), None);
    }
}
