//! Own policies: what they narrow, what they give, what is refused before it holds.

use super::*;

fn source(text: &str) -> Source {
    Source { name: "own.cedar".to_owned(), text: text.to_owned() }
}

fn policies(text: &str) -> Policies {
    Policies::try_new(&[source(text)]).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(text: &str) -> Vec<String> {
    let faults = Policies::try_new(&[source(text)]).expect_err("refused");
    faults.iter().map(ToString::to_string).collect()
}

const SHOP: Resource<'_> = Resource::Module { id: "shop", zone: Some("stable") };

fn ask(policies: &Policies, user: &str, role: Option<Role>, verb: &str, resource: Resource<'_>) -> Decision {
    policies.decide(&Question { user: Some(user), role, verb, resource, dry_run: false })
}

#[test]
fn a_forbid_takes_away_from_a_role_and_its_place_is_told() {
    let own = policies(
        "// First.\n@id(\"keep-shop\")\nforbid (\n  principal,\n  action in Ostoja::Action::\"changes\",\n  \
         resource == Ostoja::Module::\"shop\"\n) unless { principal in Ostoja::Role::\"admin\" };\n",
    );
    let operator = Some(Role::Operator);
    let denied = ask(&own, "ann", operator, "module.restart", SHOP);
    assert_eq!((denied.is_allowed, denied.by), (false, vec!["own.cedar:2:1 (keep-shop)".to_owned()]));
    let other = Resource::Module { id: "web", zone: None };
    let allowed = ask(&own, "ann", operator, "module.restart", other);
    assert_eq!((allowed.is_allowed, allowed.by), (true, vec!["role:operator".to_owned()]));
    assert!(ask(&own, "ann", operator, "module.show", SHOP).is_allowed);
    assert!(ask(&own, "bo", Some(Role::Admin), "module.restart", SHOP).is_allowed);
}

#[test]
fn a_permit_gives_to_one_by_name_a_module_or_a_zone() {
    let own = policies(
        "permit (principal == Ostoja::User::\"ci\", action == Ostoja::Action::\"module.restart\", resource in Ostoja::Zone::\"sandbox\");",
    );
    let in_zone = |zone| Resource::Module { id: "web", zone: Some(zone) };
    let restart = |user, resource| ask(&own, user, Some(Role::Viewer), "module.restart", resource).is_allowed;
    assert!(restart("ci", in_zone("sandbox")));
    assert!(!restart("ci", in_zone("stable")) && !restart("ci", Resource::Kernel));
    assert!(!restart("ann", in_zone("sandbox")) && !restart("", in_zone("sandbox")));
    assert!(!ask(&own, "ci", Some(Role::Viewer), "module.stop", in_zone("sandbox")).is_allowed);
}

#[test]
fn a_dry_run_can_be_told_from_the_change() {
    let own = policies(
        "forbid (principal, action == Ostoja::Action::\"module.stop\", resource) when { !context.dryRun };",
    );
    let stop = |dry_run| {
        let user = Some("ann");
        let question =
            Question { user, role: Some(Role::Admin), verb: "module.stop", resource: SHOP, dry_run };
        own.decide(&question).is_allowed
    };
    assert!(stop(true) && !stop(false));
}

#[test]
fn a_permit_for_more_than_one_who_is_named_is_refused_with_its_place() {
    for scope in ["principal", "principal in Ostoja::Role::\"viewer\"", "principal is Ostoja::User"] {
        let found = faults(&format!(
            "forbid (principal, action, resource);\n  permit ({scope}, action, resource);\n"
        ));
        assert_eq!(found, ["own.cedar:2:3: a `permit` must name the one it is for"], "{scope}");
    }
}

#[test]
fn what_can_not_be_read_is_told_with_line_and_column() {
    let head = "forbid (principal, action, resource)";
    let cases = [
        ("\nforbid (principal, action, resource)\n".to_owned(), "3:1: `;` is expected here, not the end"),
        (
            "permt (principal, action, resource);".to_owned(),
            "1:1: `permit` or `forbid` is expected here, not `permt`",
        ),
        (
            "// ż\nforbid (principal, action == Ostoja::Action::\"module.restrat\", resource);".to_owned(),
            "2:46: there is no action `module.restrat`",
        ),
        (
            "forbid (principal, action == Ostoja::Action::\"module.*\", resource);".to_owned(),
            "1:27: `module.*` is a group of actions, which nobody asks as such",
        ),
        (
            "forbid (principal in Ostoja::Role::\"king\", action, resource);".to_owned(),
            "1:36: there is no role `king`",
        ),
        (
            "forbid (principal, action, resource in Ostoja::Zone::\"stabel\");".to_owned(),
            "1:54: there is no zone `stabel`",
        ),
        (
            "forbid (principal == Ostoja::Module::\"a\", action, resource);".to_owned(),
            "1:19: `Ostoja::User` is never `Ostoja::Module`",
        ),
        (
            "forbid (principal, action, resource in Ostoja::Role::\"admin\");".to_owned(),
            "1:37: `Ostoja::Module` or `Ostoja::Zone` or `Ostoja::Kernel` is never in `Ostoja::Role`",
        ),
        ("forbid (principal == User::\"a\", action, resource);".to_owned(), "1:22: `User` is not known here"),
        (format!("{head} when {{ context.dryrun }};"), "1:52: `context` has no field `dryrun`"),
        (
            format!("{head} when {{ principal.name == \"a\" }};"),
            "1:54: it has no fields; only `context` has one, `dryRun`",
        ),
        (format!("{head} when {{ 1 == 1 }};"), "1:45: texts and numbers have no use in policies here"),
        (format!("{head} when {{ action in [] }};"), "1:56: an empty list has nothing in it"),
        (format!("{head} when {{ principal }};"), "1:45: this is neither true nor false"),
        (format!("{head} when {{ context.dryRun == principal }};"), "1:60: these two can't be compared"),
        (format!("{head} when {{ \"a }};"), "1:45: this text has no end"),
        (
            format!("{head} when {{ Ostoja::User::\"\\q\" == principal }};"),
            "1:60: this escape is none: \\n \\r \\t \\0 \\\\ \\' \\\" \\x7f \\u{17c}",
        ),
        (
            format!("{head} when {{ {}true{} }};", "(".repeat(40), ")".repeat(40)),
            "1:77: this is more than 32 deep",
        ),
        ("forbid (principal, action, resource); #".to_owned(), "1:39: `#` is no part of a policy"),
        ("forbid (?principal, action, resource);".to_owned(), "1:9: `principal` is expected here, not `?`"),
    ];
    for (text, expected) in cases {
        assert_eq!(faults(&text), [format!("own.cedar:{expected}")], "{text}");
    }
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let found =
        faults("permit;\nforbid (principal, action, resource);\nforbid (principle, action, resource);\n");
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("own.cedar:1:7:") && found[1].starts_with("own.cedar:3:9:"), "{found:?}");
}

#[test]
fn conditions_are_what_they_are_in_cedar() {
    let holds = |condition: &str| {
        let own = policies(&format!("forbid (principal, action, resource) when {{ {condition} }};"));
        !ask(&own, "ann", Some(Role::Operator), "module.restart", SHOP).is_allowed
    };
    for condition in [
        "true",
        "!false",
        "!!true",
        "false || true && true",
        "!(true && false)",
        "true == false || true",
        "if context.dryRun then false else true",
        "context has dryRun",
        "context[\"dryRun\"] == false",
        "principal == Ostoja::User::\"ann\"",
        "principal != Ostoja::User::\"bo\"",
        "principal in Ostoja::Role::\"viewer\"",
        "principal is Ostoja::User in Ostoja::Role::\"operator\"",
        "principal in [Ostoja::User::\"bo\", Ostoja::Role::\"developer\"]",
        "action == Ostoja::Action::\"module.restart\"",
        "action in [Ostoja::Action::\"module.stop\", Ostoja::Action::\"changes\"]",
        "action in Ostoja::Action::\"module.*\"",
        "resource == Ostoja::Module::\"shop\"",
        "resource in Ostoja::Zone::\"stable\"",
        "resource is Ostoja::Module",
        "Ostoja::Role::\"admin\" in Ostoja::Role::\"operator\"",
        "Ostoja::User::\"\\u{61}n\\x6e\" == principal",
    ] {
        assert!(holds(condition), "{condition}");
        assert!(!holds(&format!("!({condition})")), "not {condition}");
    }
    for condition in [
        "principal in Ostoja::Role::\"admin\"",
        "Ostoja::User::\"bo\" in Ostoja::Role::\"viewer\"",
        "Ostoja::Module::\"web\" in Ostoja::Zone::\"stable\"",
        "Ostoja::Role::\"viewer\" in Ostoja::Role::\"operator\"",
        "resource is Ostoja::Kernel",
    ] {
        assert!(!holds(condition), "{condition}");
    }
}

#[test]
fn scopes_are_what_they_are_in_cedar() {
    let forbids = |scope: &str| {
        let own = policies(&format!("forbid ({scope});"));
        !ask(&own, "ann", Some(Role::Operator), "module.restart", SHOP).is_allowed
    };
    for scope in [
        "principal is Ostoja::User, action, resource",
        "principal is Ostoja::User in Ostoja::Role::\"developer\", action, resource",
        "principal, action in [Ostoja::Action::\"kernel.*\", Ostoja::Action::\"module.restart\",], resource",
        "principal, action, resource is Ostoja::Module in Ostoja::Zone::\"stable\",",
    ] {
        assert!(forbids(scope), "{scope}");
    }
    for scope in [
        "principal in Ostoja::Role::\"admin\", action, resource",
        "principal, action in [], resource",
        "principal, action in Ostoja::Action::\"kernel.*\", resource",
        "principal, action, resource is Ostoja::Zone",
        "principal, action, resource == Ostoja::Kernel::\"kernel\"",
    ] {
        assert!(!forbids(scope), "{scope}");
    }
}

#[test]
fn whoever_has_no_name_is_given_nothing_by_name() {
    let own = policies(
        "permit (principal == Ostoja::User::\"ann\", action, resource);\n\
         forbid (principal, action == Ostoja::Action::\"logs\", resource) when { principal == Ostoja::User::\"ann\" };",
    );
    let nobody = |verb, role| {
        own.decide(&Question { user: None, role, verb, resource: Resource::Kernel, dry_run: false })
            .is_allowed
    };
    assert!(!nobody("kernel.stop", None) && nobody("logs", Some(Role::Developer)));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_fall(text in "[ -~\n]{0,80}") {
        let _read = Policies::try_new(&[source(&text)]);
    }

    #[test]
    fn no_order_of_words_makes_the_reader_fall(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..40),
    ) {
        let _read = Policies::try_new(&[source(&words.join(" "))]);
    }
}

const WORDS: [&str; 24] = [
    "forbid",
    "(",
    "principal",
    ",",
    "action",
    "resource",
    ")",
    ";",
    "when",
    "{",
    "}",
    "in",
    "is",
    "==",
    "[",
    "]",
    "!",
    "Ostoja::Role::\"admin\"",
    "Ostoja::Module",
    "context",
    ".dryRun",
    "&&",
    "if",
    "@id(\"x\")",
];

#[test]
fn an_unknown_verb_is_denied_whatever_the_policies_say() {
    let own = policies("permit (principal == Ostoja::User::\"ann\", action, resource);");
    assert!(ask(&own, "ann", None, "kernel.stop", Resource::Kernel).is_allowed);
    assert!(!ask(&own, "ann", Some(Role::Admin), "kernel.explode", Resource::Kernel).is_allowed);
}

#[test]
fn policies_of_several_files_hold_together_and_all_their_faults_are_told() {
    let two = [
        Source { name: "a.cedar".to_owned(), text: "forbid (principal, action, resource);".to_owned() },
        Source { name: "b.cedar".to_owned(), text: "forbid (principal, action, resource);".to_owned() },
    ];
    let both = Policies::try_new(&two).expect("well");
    assert_eq!(both.own(), 2);
    let by = ask(&both, "ann", Some(Role::Admin), "module.list", Resource::Kernel).by;
    assert_eq!(by, ["a.cedar:1:1", "b.cedar:1:1"]);
    let broken = two.map(|source| Source { text: "permit".to_owned(), ..source });
    let faults = Policies::try_new(&broken).expect_err("refused");
    assert_eq!(faults.iter().map(|fault| fault.file.as_str()).collect::<Vec<_>>(), ["a.cedar", "b.cedar"]);
}

#[test]
fn files_and_policies_are_bounded() {
    let long = source(&" ".repeat(own::FILE_BYTES_MAX + 1));
    assert!(Policies::try_new(&[long]).is_err());
    let many = vec![source("// nothing"); own::FILES_MAX + 1];
    assert!(Policies::try_new(&many).is_err());
    assert!(Policies::try_new(&many[1..]).is_ok());
    let one = "forbid (principal, action, resource) when { context.dryRun };\n";
    assert!(Policies::try_new(&[source(&one.repeat(1_025))]).is_err());
}
