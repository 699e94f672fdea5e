//! Promise: a template that does not end is refused, and one that is too long to be read does not
//! end the program.

use crate::support::Place;

#[test]
fn a_template_that_does_not_end_is_refused() {
    let place = Place::new();
    place.run(&["create", "--id", "a"]).printed();
    let within =
        "{% for a in range(999) %}{% for b in range(999) %}{% endfor %}{% endfor %}{{ id }}";
    assert_eq!(place.run(&["list", "--format", within]).printed(), "a\n");
    let beyond = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let ran = place.run(&["list", "--format", beyond]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("more than 10000000 steps"),
        "{}",
        ran.stderr
    );
}

/// The program ran out of stack.
#[test]
fn a_template_is_no_longer_than_it_may_be() {
    let place = Place::new();
    place.run(&["create", "--id", "a"]).printed();
    for step in ["|d", ".b", "-", "[0]", "()"] {
        for length in [8_000, 100_000] {
            let steps = step.repeat(length / step.len());
            let template = match step {
                "-" => format!("{{{{ {steps}1 }}}}"),
                _ => format!("{{{{ id{steps} }}}}"),
            };
            let ran = place.run(&["list", "--format", &template]);
            let is_long = ran.stderr.contains("bytes long; it can have 8192");
            assert_eq!(is_long, length > 8_192, "{step}: {}", ran.stderr);
            assert!([0, 2].contains(&ran.code), "{step}: {}", ran.stderr);
        }
    }
}
