//! Layers of configuration and where each value comes from.

use std::fs;

use super::*;

fn home() -> (tempfile::TempDir, Home) {
    let folder = tempfile::tempdir().expect("a folder");
    let home = Home::at(folder.path());
    fs::create_dir(home.config_folder()).expect("made");
    (folder, home)
}

#[test]
fn later_layers_win_and_a_missing_main_file_is_said() {
    let (_folder, home) = home();
    let (config, main) = load(&home, None).expect("defaults");
    assert_eq!(main, MainFile::Missing);
    assert!(config.values().is_empty());
    fs::write(home.config(), "web: {port: 1, host: a}\n").expect("written");
    fs::write(home.config_folder().join("10-a.yaml"), "web: {port: 2}\n").expect("written");
    fs::write(home.config_set(), "web: {port: 3}\n").expect("written");
    fs::write(home.config_folder().join(".99.yaml"), "web: {port: 4}\n").expect("written");
    let (config, main) = load(&home, None).expect("readable");
    assert_eq!(main, MainFile::Found);
    assert_eq!(config.get("web.port"), Some(&serde_json::json!(3)));
    assert_eq!(config.get("web.host"), Some(&serde_json::json!("a")));
}

#[test]
fn a_broken_layer_is_an_error_with_its_place() {
    let (_folder, home) = home();
    fs::write(home.config(), "a: 1\nb: [\n").expect("written");
    let error = load(&home, None).expect_err("broken");
    let HostError::File(errors) = error else { panic!("a file's error") };
    assert!(errors.to_string().contains("config.yaml:"), "{errors}");
}

#[test]
fn the_kernel_and_the_files_agree_on_what_holds_where_nothing_is_said() {
    let (_folder, home) = home();
    let (approvals, _) = Approvals::load(&home.permissions()).expect("empty");
    assert_eq!(kernel_settings(&settings::Settings::default(), &approvals), Settings::default());
}

#[test]
fn the_house_rules_reach_the_kernel() {
    let (_folder, home) = home();
    let text = "lifecycle: {maxRestarts: 9, shutdownGraceMs: 70}\nwatchdog: {mode: strict}\n";
    fs::write(home.config(), text).expect("written");
    let (config, _) = load(&home, None).expect("readable");
    let (approvals, _) = Approvals::load(&home.permissions()).expect("empty");
    let settings = kernel_settings(config.settings(), &approvals);
    assert_eq!(settings.max_restarts, 9);
    assert_eq!(settings.shutdown_grace.as_millis(), 70);
    assert_eq!(settings.watchdog, Watchdog::Strict);
    assert_eq!(settings.probation, None);
    fs::write(home.config(), "zones: {promotion: probation, probationMs: 5000}\n").expect("written");
    let (config, _) = load(&home, None).expect("readable");
    let probation = kernel_settings(config.settings(), &approvals).probation;
    assert_eq!(probation.map(|wanted| wanted.as_secs()), Some(5));
}
