//! A child's environment, built from nothing.

use super::*;

fn built(surrounding: &[(&str, &str)], names: &[&str], values: &[(&str, &str)]) -> Vec<String> {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let wants = Wants {
        home: Path::new("/h"),
        temporary: None,
        deno_dir: None,
        names: names.to_vec(),
        values: &values,
        notify: None,
    };
    let all = Surrounding::of(surrounding).for_module(&wants);
    all.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect()
}

#[test]
fn a_secret_of_the_kernel_stays_with_the_kernel() {
    let env = built(&[("PATH", "/bin"), ("AWS_SECRET", "s"), ("XDG_CACHE_HOME", "/c")], &[], &[]);
    assert_eq!(env, ["PATH=/bin", "PONS_HOME=/h", "XDG_CACHE_HOME=/c"]);
}

#[test]
fn approved_names_are_passed_on_and_set_values_win() {
    let env = built(
        &[("PATH", "/bin"), ("TOKEN", "t"), ("MODE", "a")],
        &["TOKEN", "MODE", "NONE"],
        &[("MODE", "b")],
    );
    assert_eq!(env, ["MODE=b", "PATH=/bin", "PONS_HOME=/h", "TOKEN=t"]);
}

#[test]
fn without_a_path_there_is_a_usual_one() {
    let env = built(&[], &[], &[]);
    assert!(env.iter().any(|pair| pair.starts_with("PATH=/usr/local/sbin:")), "{env:?}");
}

#[test]
fn nothing_of_the_environment_is_shown_by_debug_but_names() {
    let shown = format!("{:?}", Surrounding::of(&[("TOKEN", "secret")]));
    assert!(shown.contains("TOKEN") && !shown.contains("secret"), "{shown}");
}
