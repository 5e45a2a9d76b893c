//! How fast verification is. Not a test: `cargo nextest run -p chancery-journal --release
//! --run-ignored only verify_speed --no-capture` prints the figure.

use std::time::Instant;

use journal::verify::verify_export;

use super::log::Log;

#[test]
#[ignore = "a measurement"]
fn verify_speed() {
    let log = Log::of(500_000);
    let export = log.all().concat();
    let keys = [log.vkey().parse().unwrap()];
    for _ in 0..3 {
        let start = Instant::now();
        let report = verify_export(export.as_slice(), &keys).unwrap();
        let took = start.elapsed();
        assert!(report.ok, "{report:?}");
        let rate = 500_000.0 / took.as_secs_f64();
        println!(
            "{rate:.0} events/s, {:.0} bytes each",
            export.len() as f64 / 500_000.0
        );
    }
}
