//! Results of tests as JUnit XML, which CI systems read. Layer 10.
//!
//! The elements are those that all readers agree on: <https://github.com/testmoapp/junitxml>.

use std::{collections::BTreeMap, time::Duration};

use crate::cli::{
    load::Texts,
    report::{self, Look},
    test::Done,
};

/// Wide enough for a message beside its place.
const LOOK: Look = Look { colour: false, width: 120 };

/// The whole document: a suite for the project, and one for the directory of each module.
pub fn document(done: &[Done], took: Duration, texts: &Texts) -> String {
    let mut suites: BTreeMap<&str, Vec<&Done>> = BTreeMap::new();
    for one in done {
        suites.entry(&one.case.directory).or_default().push(one);
    }
    let failed = |all: &[&Done]| all.iter().filter(|d| !d.failures.is_empty()).count();
    let total = failed(&done.iter().collect::<Vec<_>>());
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"secnet\" tests=\"{}\" failures=\"{total}\" errors=\"0\" time=\"{}\">\n",
        done.len(),
        seconds(took)
    );
    for (directory, all) in suites {
        let name = if directory.is_empty() { "project" } else { directory };
        let time = all.iter().map(|d| d.took).sum();
        xml.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{}\">\n",
            escape(name),
            all.len(),
            failed(&all),
            seconds(time)
        ));
        all.iter().for_each(|one| xml.push_str(&case(one, name, texts)));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(done: &Done, suite: &str, texts: &Texts) -> String {
    let (file, line) = done.place.rsplit_once(':').unwrap_or((&done.place, "1"));
    let head = format!(
        "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{line}\" time=\"{}\"",
        escape(&done.case.name),
        escape(suite),
        escape(&format!("{}{file}", texts.prefix)),
        seconds(done.took)
    );
    let Some(first) = done.failures.first() else { return format!("{head}/>\n") };
    let (message, code) = (escape(&first.message), first.code.id);
    let text = escape(&report::to_text(&done.failures, texts, LOOK));
    format!("{head}>\n      <failure message=\"{message}\" type=\"{code}\">{text}</failure>\n    </testcase>\n")
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

/// A text within an element or an attribute. What XML 1.0 has no way to write becomes a question mark.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_text_can_stand_in_xml() {
        assert_eq!(escape("a < b && \"c\" > 'd'\x1b[0m\n"), "a &lt; b &amp;&amp; &quot;c&quot; &gt; &apos;d&apos;?[0m\n");
    }
}
