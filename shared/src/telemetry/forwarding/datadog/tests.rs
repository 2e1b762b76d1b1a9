use super::*;

const NOW: i64 = 1_795_348_800;

fn point(minute: i64, value: f64) -> Point {
    let function = FunctionName::of("page").unwrap();
    Point { metric: Metric::Calls, minute, function, outcome: Outcome::Success, value }
}

/// Promise A-24.
#[test]
fn all_that_there_can_be_at_once_is_within_datadogs_limits() {
    let mut points = Vec::new();
    let mut value = 0.123_456_789_012_345_67;
    for name in FunctionName::ALL {
        for outcome in [Outcome::Success, Outcome::Refused, Outcome::Failure] {
            for metric in [Metric::Calls, Metric::Duration] {
                for minute in -59..=10 {
                    // As little as possible of one number is in the next.
                    value = (value * 3_999.0_f64).fract() * 1e9 + 0.1;
                    let function = FunctionName::of(name).unwrap();
                    points.push(Point { metric, minute: NOW + minute * 60, function, outcome, value });
                }
            }
        }
    }
    let all = points.len();
    keep_current(&mut points, NOW);
    assert_eq!(points.len(), all);
    let submitted = Submitted::of(&Sums::default().add(&points, NOW), "ap-southeast-1", "01234567");
    let (whole, packed) = (serde_json::to_vec(&submitted).unwrap().len(), packed(&submitted).unwrap().len());
    assert!(whole < 5_242_880 / 2, "{whole}");
    assert!(packed < 512_000, "{packed}");
}

#[test]
fn what_lies_too_far_back_or_ahead_is_left_out() {
    let kept = |minute| {
        let mut points = vec![point(minute, 1.0)];
        keep_current(&mut points, NOW + 30);
        !points.is_empty()
    };
    assert!(kept(NOW) && kept(NOW - 59 * 60) && kept(NOW + 10 * 60));
    assert!(!kept(NOW - 60 * 60) && !kept(NOW + 11 * 60) && !kept(NOW + 1) && !kept(i64::MIN) && !kept(i64::MAX));
}

/// Datadog keeps the last value of a second, so each must hold the ones before.
#[test]
fn what_is_sent_of_a_minute_is_its_whole_sum() {
    let sums = Sums::default();
    let add = |value| sums.add(&[point(NOW, value)], NOW).iter().map(|point| point.value).collect::<Vec<_>>();
    assert_eq!(add(2.0), [2.0]);
    assert_eq!(add(3.0), [5.0]);
    sums.take_back(&[point(NOW, 3.0)]);
    assert_eq!(add(4.0), [6.0]);
    assert_eq!(sums.add(&[point(NOW + 60, 1.0), point(NOW + 60, 1.0)], NOW), [point(NOW + 60, 2.0)]);
}

#[test]
fn sums_are_forgotten_when_datadog_takes_them_no_more() {
    let sums = Sums::default();
    for minute in 0..1000 {
        sums.add(&[point(NOW + minute * 60, 1.0)], NOW + minute * 60);
    }
    assert_eq!(sums.whole.lock().unwrap().len(), 61);
}
