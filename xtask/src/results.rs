//! What the test runners say they did, as counts.

use crate::report::Counts;

/// Reads the sums in the root element of a JUnit file.
pub fn junit(results: &str) -> Option<Counts> {
    let element = results.split_once("<testsuites")?.1.split_once('>')?.0;
    let attribute = |name: &str| -> Option<u64> {
        let value = element
            .split_once(&format!(" {name}=\""))?
            .1
            .split_once('"')?
            .0;
        value.parse().ok()
    };
    let failed = attribute("failures")? + attribute("errors")?;
    Some(Counts {
        passed: attribute("tests")?.checked_sub(failed)?,
        failed,
    })
}

/// Sums lines such as `test result: ok. 3 passed; 0 failed; …`.
pub fn libtest(lines: &[String]) -> Counts {
    let mut sum = Counts::default();
    for line in lines.iter().filter(|line| line.starts_with("test result:")) {
        sum.passed += number_before(line, " passed");
        sum.failed += number_before(line, " failed");
    }
    sum
}

fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split_once(word).map_or("", |(before, _)| before);
    let digits = before
        .rsplit(|letter: char| !letter.is_ascii_digit())
        .next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Reads `Ran 4 tests in 0.1s` and `FAILED (failures=1, errors=1)`; none when nothing ran.
pub fn unittest(lines: &[String]) -> Option<Counts> {
    let ran = lines
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("Ran "))?;
    let ran: u64 = ran.split(' ').next()?.parse().ok()?;
    let verdict = lines
        .iter()
        .rev()
        .find_map(|line| line.strip_prefix("FAILED ("))
        .unwrap_or("");
    let failed: u64 = ["failures=", "errors=", "unexpected successes="]
        .iter()
        .filter_map(|name| verdict.split_once(name))
        .filter_map(|(_, rest)| rest.split([',', ')']).next()?.parse::<u64>().ok())
        .sum();
    (ran > 0).then(|| Counts {
        passed: ran.saturating_sub(failed),
        failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn nextest_results_are_summed() {
        let results = r#"<?xml version="1.0"?>
            <testsuites name="nextest-run" tests="12" failures="2" errors="1" uuid="x" time="1.0">
            <testsuite name="a" tests="99" failures="99" errors="99"/>"#;
        assert_eq!(
            junit(results),
            Some(Counts {
                passed: 9,
                failed: 3
            })
        );
        assert_eq!(junit("<nothing/>"), None);
    }

    #[test]
    fn doc_test_results_are_summed_over_crates() {
        let printed = lines(
            "running 3 tests\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
             test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(
            libtest(&printed),
            Counts {
                passed: 13,
                failed: 2
            }
        );
    }

    #[test]
    fn python_results_are_read() {
        let good = lines("....\nRan 4 tests in 0.012s\n\nOK");
        assert_eq!(
            unittest(&good),
            Some(Counts {
                passed: 4,
                failed: 0
            })
        );
        let bad = lines("Ran 4 tests in 0.012s\n\nFAILED (failures=1, errors=2)");
        assert_eq!(
            unittest(&bad),
            Some(Counts {
                passed: 1,
                failed: 3
            })
        );
        assert_eq!(unittest(&lines("Ran 0 tests in 0.000s\n\nOK")), None);
        assert_eq!(unittest(&lines("No module named unittest")), None);
    }
}
