#![no_main]

use libfuzzer_sys::fuzz_target;
use locmfa::mim::settings::{Edit, Key, Settings, secrets};

const VALUE: &str = "a<b & c]]>";

fuzz_target!(|bytes: &[u8]| {
    secrets(&String::from_utf8_lossy(bytes)).into_iter().fold(0, |end, it| {
        assert!(end <= it.start && it.start <= it.end);
        it.end
    });
    let settings = match Settings::read(bytes) {
        Ok(settings) => settings,
        Err(broken) => return assert!(broken.text.is_char_boundary(broken.at)),
    };
    assert_eq!(settings.encoded(settings.text()), bytes);
    assert_eq!(settings.edited(&[]), settings.text());
    for entry in settings.entries() {
        let _ = &settings.text()[entry.span(settings.text())];
    }
    for key in Key::ALL.iter().copied() {
        let _ = settings.commented(key);
        for (value, read) in [("", None), (VALUE, Some(VALUE))] {
            let edit = if value.is_empty() { Edit::Clear(key) } else { Edit::Set(key, value) };
            // Elements in a value stay, and a file without a known entry has no place for another.
            let has_place = settings.entries().iter().any(|it| it.key.is_some());
            if !has_place || settings.all(key).any(|it| it.has_children) {
                continue;
            }
            let edited = settings.encoded(&settings.edited(&[edit]));
            let edited = Settings::read(&edited).expect("it is XML as before");
            assert_eq!(edited.value(key), read, "{}", edited.text());
        }
    }
});
