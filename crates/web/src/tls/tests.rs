//! Certificates as they are read, renewed and refused, for names that they were made out for and others.

use super::*;

fn kept(folder: &Path, names: &[&str]) -> (Files, MadeCertificate) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = made(&names).expect("a certificate");
    let files = Files { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    fs::write(&files.certificate, &made.certificate).expect("written");
    fs::write(&files.key, &made.key).expect("written");
    (files, made)
}

#[test]
fn a_certificate_is_for_its_names_and_addresses_and_for_no_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, made) = kept(folder.path(), &["box.example", "*.farm.example", "192.0.2.7", "2001:db8::1"]);
    let certificates = Certificates::open(&files).expect("opened");
    for name in ["box.example", "BOX.example", "a.farm.example", "192.0.2.7", "[2001:db8::1]"] {
        assert!(certificates.is_for(name), "{name}");
    }
    for name in ["evil.example", "box.example.evil.example", "a.b.farm.example", "192.0.2.8", "", "[", "a b"]
    {
        assert!(!certificates.is_for(name), "{name}");
    }
    let pairs = made.fingerprint.split(':').filter(|pair| pair.len() == 2).count();
    assert_eq!(pairs, 32, "{}", made.fingerprint);
    assert!(!format!("{made:?}").contains("PRIVATE"), "{made:?}");
}

#[test]
fn what_makes_no_pair_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, _) = kept(folder.path(), &["a.example"]);
    let why = |files: &Files| read(files).expect_err("no pair").to_string();
    let other = Files { key: folder.path().join("nowhere.pem"), ..files.clone() };
    assert!(why(&other).starts_with("can't read"), "{}", why(&other));
    fs::write(folder.path().join("swapped.pem"), fs::read(&files.certificate).expect("read"))
        .expect("written");
    let swapped = Files { key: folder.path().join("swapped.pem"), ..files.clone() };
    assert!(why(&swapped).contains("no key"), "{}", why(&swapped));
    let foreign = made(&["b.example".to_owned()]).expect("a certificate");
    fs::write(folder.path().join("foreign.pem"), foreign.key).expect("written");
    let foreign = Files { key: folder.path().join("foreign.pem"), ..files.clone() };
    assert!(why(&foreign).contains("make a pair"), "{}", why(&foreign));
    fs::write(&files.certificate, "nothing").expect("written");
    assert!(why(&files).contains("no certificate"), "{}", why(&files));
    let long = fs::File::create(&files.certificate).expect("made");
    long.set_len(FILE_BYTES_MAX + 1).expect("long");
    assert!(why(&files).contains("more than"), "{}", why(&files));
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_taken_over_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (files, _) = kept(folder.path(), &["old.example"]);
    let certificates = Certificates::open(&files).expect("opened");
    let watching = tokio::spawn(certificates.clone().keep_fresh());
    tokio::task::yield_now().await;
    // As those do who renew: another file in its place, and the next one is another still.
    let put = |name: &str, text: &str| {
        let aside = folder.path().join("aside.pem");
        fs::write(&aside, text).expect("written");
        fs::rename(aside, folder.path().join(name)).expect("renamed");
    };
    put("cert.pem", "broken");
    sleep(LOOK_EVERY * 2).await;
    assert!(certificates.is_for("old.example"));
    let renewed = made(&["new.example".to_owned()]).expect("a certificate");
    put("key.pem", &renewed.key);
    put("cert.pem", &renewed.certificate);
    sleep(LOOK_EVERY * 2).await;
    assert!(certificates.is_for("new.example") && !certificates.is_for("old.example"));
    watching.abort();
}
