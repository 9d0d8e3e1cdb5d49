//! The report of a verification: an outcome for each expectation, in the formats that test pages read.

use std::fmt::Write;

use quick_xml::escape::escape;
use serde_json::Value;

use crate::control::{Verified, by_command};
use crate::text::counted;

/// What came of a verification.
pub(super) struct Report {
    /// The file of expectations.
    source: String,
    /// In the order of the file.
    cases: Vec<Case>,
}

struct Case {
    name: String,
    /// `None`: it came true.
    failure: Option<Failure>,
}

/// Why an expectation did not come true.
struct Failure {
    /// Events that are no longer kept could change the verdict.
    is_unknown: bool,
    why: String,
    /// All of it, over several lines.
    text: String,
}

impl Report {
    /// From the expectations as they were sent, and the answer.
    pub(super) fn of(source: &str, expectations: &Value, verified: &Verified) -> Self {
        let list = expectations.as_array().or_else(|| expectations["expect"].as_array());
        let cases = list.into_iter().flatten().map(|it| Case { name: name_of(it), failure: None });
        let mut cases: Vec<Case> = cases.collect();
        if let Verified::Fails(problem) = verified {
            let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
            for it in problem["failures"].as_array().into_iter().flatten() {
                let place = it["place"].as_u64().and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
                if let Some(case) = cases.get_mut(place) {
                    let is_unknown = it["verdict"] == "unknown";
                    case.failure = Some(Failure { is_unknown, why: text(it, "why"), text: text(it, "text") });
                }
            }
            // What to do about it is said once.
            let unknown = cases.iter_mut().rev().filter_map(|it| it.failure.as_mut()).find(|it| it.is_unknown);
            if let Some(last) = unknown.filter(|_| problem["verdict"] == "unknown") {
                last.text += &format!("\n{}", by_command(&text(problem, "remedy")));
            }
        }
        Self { source: source.into(), cases }
    }

    fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.cases.iter().filter_map(|it| it.failure.as_ref())
    }

    /// How many are unknown, and how many failed.
    fn counts(&self) -> (usize, usize) {
        let unknown = self.failures().filter(|it| it.is_unknown).count();
        (unknown, self.failures().count() - unknown)
    }

    /// Sentences, for people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.failures().for_each(|it| text += &format!("{}\n", it.text));
        if text.is_empty() {
            text = match self.cases.len() {
                1 => "The expectation came true.\n".into(),
                all => format!("All {all} expectations came true.\n"),
            };
        }
        text
    }

    /// The XML of JUnit. An unknown verdict is an error, since it says nothing of the program under test.
    pub(super) fn junit(&self) -> String {
        let ((unknown, failed), tests) = (self.counts(), self.cases.len());
        let counts = format!("tests=\"{tests}\" failures=\"{failed}\" errors=\"{unknown}\"");
        let source = attribute(&self.source);
        let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        let _ = writeln!(xml, "<testsuites name=\"locmfa verify\" {counts}>");
        let _ = writeln!(xml, "  <testsuite name=\"{source}\" {counts} skipped=\"0\">");
        for case in &self.cases {
            let _ = write!(xml, "    <testcase name=\"{}\" classname=\"{source}\"", attribute(&case.name));
            match &case.failure {
                None => xml += "/>\n",
                Some(Failure { is_unknown, why, text }) => {
                    let element = if *is_unknown { "error" } else { "failure" };
                    let (why, text) = (attribute(why), escaped(text));
                    let _ = writeln!(xml, ">\n      <{element} message=\"{why}\">{text}</{element}>\n    </testcase>");
                }
            }
        }
        xml + "  </testsuite>\n</testsuites>\n"
    }

    /// The Test Anything Protocol.
    pub(super) fn tap(&self) -> String {
        let mut tap = format!("TAP version 14\n1..{}\n", self.cases.len());
        for (number, case) in (1..).zip(&self.cases) {
            let name = one_line(&case.name).replace('\\', "\\\\").replace('#', "\\#");
            let Some(failure) = &case.failure else {
                let _ = writeln!(tap, "ok {number} - {name}");
                continue;
            };
            let _ = writeln!(tap, "not ok {number} - {name}\n  ---");
            let verdict = if failure.is_unknown { "unknown" } else { "failed" };
            let _ = writeln!(tap, "  verdict: {verdict}\n  message: |-");
            for line in failure.text.lines() {
                let _ = writeln!(tap, "    {line}");
            }
            tap += "  ...\n";
        }
        tap
    }

    /// A summary for the page of a job.
    pub(super) fn markdown(&self) -> String {
        let (passed, all) = (self.cases.len() - self.failures().count(), self.cases.len());
        let mut text = format!("### locmfa verify: {passed} of {} came true\n\n", counted(all, "expectation"));
        text += "| verdict | expectation | why |\n|---|---|---|\n";
        for case in &self.cases {
            let (verdict, why) = match &case.failure {
                None => ("passed", ""),
                Some(it) if it.is_unknown => ("**unknown**", it.why.as_str()),
                Some(it) => ("**failed**", it.why.as_str()),
            };
            let _ = writeln!(text, "| {verdict} | {} | {} |", cell(&case.name), cell(why));
        }
        let details: String = self.failures().map(|it| format!("{}\n", it.text)).collect();
        if !details.is_empty() {
            // A fence ends at the first line that is as long.
            let longest = details.split(|it| it != '`').map(str::len).max().unwrap_or_default();
            let fence = "`".repeat(longest.max(2) + 1);
            let _ = write!(text, "\n{fence}text\n{}\n{fence}\n", details.trim_end());
        }
        text + "\n"
    }
}

/// What a person calls an expectation: its name, or what it asks for.
fn name_of(expectation: &Value) -> String {
    if let Some(name) = expectation["name"].as_str() {
        return name.into();
    }
    let kind = expectation["kind"].as_str().unwrap_or("call");
    let conditions = expectation["where"].as_object().into_iter().flatten();
    let conditions: Vec<_> = conditions
        .map(|(key, it)| match it.as_str() {
            Some(text) => format!("{key} {text}"),
            None => format!("{key} {it}"),
        })
        .collect();
    match conditions.is_empty() {
        true => kind.into(),
        false => format!("{kind} with {}", conditions.join(", ")),
    }
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join(" ")
}

/// Text for an XML document. A character that XML does not have is replaced.
fn escaped(text: &str) -> String {
    let is_known =
        |it: char| matches!(it, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().map(|it| if is_known(it) { it } else { '\u{fffd}' }).collect();
    escape(&text).into_owned()
}

fn attribute(text: &str) -> String {
    escaped(&one_line(text))
}

/// Text for a cell of a table, which is neither Markdown nor HTML.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    for it in one_line(text).chars() {
        if it.is_ascii_punctuation() && !matches!(it, '.' | ',' | ':' | '/' | '-' | '\'' | '"' | '=' | '%') {
            let _ = write!(cell, "&#{};", u32::from(it));
        } else {
            cell.push(it);
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report() -> Report {
        let expectations = json!({"expect": [
            {"name": "MIM asked for <Anna> #1"},
            {"where": {"operation": "PfAuthUser*", "call_result": 2}},
            {"kind": "message", "where": {}},
        ]});
        let failures = json!([
            {"place": 1, "verdict": "failed", "why": "0 fitted", "text": "Expected 1 call; 0 fitted.\n  #12: \u{1}```"},
            {"place": 2, "verdict": "unknown", "why": "1 | 2", "text": "Unknown: expected a message."},
        ]);
        let problem = json!({"verdict": "failed", "failures": failures});
        Report::of("e.yaml", &expectations, &Verified::Fails(problem))
    }

    #[test]
    fn junit_has_a_case_for_each_expectation_and_an_error_where_the_verdict_is_unknown() {
        expect_test::expect![[r##"
            <?xml version="1.0" encoding="UTF-8"?>
            <testsuites name="locmfa verify" tests="3" failures="1" errors="1">
              <testsuite name="e.yaml" tests="3" failures="1" errors="1" skipped="0">
                <testcase name="MIM asked for &lt;Anna&gt; #1" classname="e.yaml"/>
                <testcase name="call with operation PfAuthUser*, call_result 2" classname="e.yaml">
                  <failure message="0 fitted">Expected 1 call; 0 fitted.
              #12: �```</failure>
                </testcase>
                <testcase name="message" classname="e.yaml">
                  <error message="1 | 2">Unknown: expected a message.</error>
                </testcase>
              </testsuite>
            </testsuites>
        "##]]
        .assert_eq(&report().junit());
        roxmltree::Document::parse(&report().junit()).unwrap();
    }

    #[test]
    fn tap_has_a_line_for_each_expectation_and_the_reason_below_it() {
        expect_test::expect![[r##"
            TAP version 14
            1..3
            ok 1 - MIM asked for <Anna> \#1
            not ok 2 - call with operation PfAuthUser*, call_result 2
              ---
              verdict: failed
              message: |-
                Expected 1 call; 0 fitted.
                  #12: ```
              ...
            not ok 3 - message
              ---
              verdict: unknown
              message: |-
                Unknown: expected a message.
              ...
        "##]]
        .assert_eq(&report().tap().replace('\u{1}', ""));
    }

    #[test]
    fn what_to_do_where_too_little_is_known_is_in_every_format_once() {
        let failures = json!([{"place": 0, "verdict": "unknown", "why": "0 fitted", "text": "Unknown."}]);
        let problem = json!({"verdict": "unknown", "failures": failures, "remedy": "Keep more."});
        let report = Report::of("e.yaml", &json!([{"name": "a"}]), &Verified::Fails(problem));
        for text in [report.text(), report.junit(), report.tap(), report.markdown()] {
            assert_eq!(text.matches("Keep more.").count(), 1, "{text}");
        }
    }

    #[test]
    fn a_summary_shows_names_and_reasons_as_they_are() {
        expect_test::expect![[r##"
            ### locmfa verify: 1 of 3 expectations came true

            | verdict | expectation | why |
            |---|---|---|
            | passed | MIM asked for &#60;Anna&#62; &#35;1 |  |
            | **failed** | call with operation PfAuthUser&#42;, call&#95;result 2 | 0 fitted |
            | **unknown** | message | 1 &#124; 2 |

            ````text
            Expected 1 call; 0 fitted.
              #12: ```
            Unknown: expected a message.
            ````

        "##]]
        .assert_eq(&report().markdown().replace('\u{1}', ""));
    }

    #[test]
    fn all_that_came_true_is_one_sentence() {
        let verified = Verified::Holds(json!({"counts": [1, 1]}));
        let report = Report::of("e.yaml", &json!([{"name": "a"}, {"name": "b"}]), &verified);
        assert_eq!(report.text(), "All 2 expectations came true.\n");
        assert!(report.markdown().contains("2 of 2") && !report.markdown().contains("```"));
    }
}
