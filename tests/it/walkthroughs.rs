//! The walk-throughs for password reset and for privileged access: what their tables promise is what is answered.

use std::path::Path;

use locmfa::contract::Mode;
use locmfa::scenario;
use locmfa::switchboard::{Limits, Switchboard};
use tokio::time::Instant;

use crate::{asked, asking};

#[tokio::test(start_paused = true)]
async fn every_number_of_the_walk_throughs_does_what_its_row_says() {
    let mut rows = 0;
    for (page, title, file, mode) in [
        (include_str!("../../docs/sspr.md"), "Phone gate", "sspr-phone-gate", Mode::VoiceCall),
        (include_str!("../../docs/sspr.md"), "Text message gate", "sspr-text-gate", Mode::SmsText),
        (include_str!("../../docs/pam.md"), "Activate", "pam-activation", Mode::VoiceCall),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{file}.yaml"));
        let scenario = scenario::load_file(&path).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let spaces = Switchboard::new(scenario.setup, Limits::default());
        let (_, section) = page.split_once(&format!("\n## {title}\n")).expect("the section");
        let section = section.split("\n## ").next().expect("a part");
        for row in section.lines().filter_map(|it| it.strip_prefix("| `")) {
            let cells: Vec<_> = row.split(" | ").collect();
            let (number, _) = cells[0].split_once('`').expect("a number");
            let code: String =
                cells[2].chars().skip_while(|it| !it.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
            let started = Instant::now();
            let ask = asking("mimservice@contoso.com", mode, number);
            let settled = asked(spaces.default_space(), ask).await.unwrap_or_else(|it| panic!("{it:?}"));
            let says = if settled.succeeds { "true, " } else { "false, " };
            assert_eq!(settled.ending.code().to_string(), code, "{title}: {number}");
            assert!(cells[2].starts_with(says), "{title}: {number}: {says}");
            if let Some(seconds) = cells[3].strip_suffix(" s") {
                assert_eq!(started.elapsed().as_secs().to_string(), seconds, "{title}: {number}");
            }
            rows += 1;
        }
    }
    assert!(rows >= 16, "{rows}");
}
