//! Every level against everything that can be asked for.

use protocol::files::policy::Minimum;
use sandbox::{Layer, Level};

use super::check;

#[test]
fn less_than_what_is_asked_for_is_refused_and_nothing_else_is() {
    let partial = Level::Partial { missing: vec![Layer::RunList] };
    for (level, allowed) in [
        (Level::None, vec![Minimum::None]),
        (partial.clone(), vec![Minimum::None, Minimum::Partial]),
        (Level::Full, vec![Minimum::None, Minimum::Partial, Minimum::Full]),
    ] {
        for asked in Minimum::ALL {
            assert_eq!(check(&level, asked).is_ok(), allowed.contains(&asked), "{level} for {asked:?}");
        }
    }
    let refused = check(&partial, Minimum::Full).map_err(|error| error.to_string());
    let expected =
        "its containment would be partial (missing: run_list), and `security.minimum` asks for `full`";
    assert_eq!(refused, Err(expected.to_owned()));
}
