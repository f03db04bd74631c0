//! What is said about files that cannot be used, and that those that can be are.

mod support;

use std::error::Error;
use std::path::Path;

use rpc_tls::{TlsError, identity, provider, roots};

use support::{Authority, Files};

fn load(certificates: &Path, key: &Path) -> Result<(), TlsError> {
    identity(certificates, key, &provider().unwrap()).map(drop)
}

/// Complains about nothing but `path`, and with `hint`.
fn assert_complains(result: Result<(), TlsError>, path: &Path, hint: &str) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(hint) && text.contains(path.to_str().unwrap()), "{text}");
}

#[test]
fn a_pair_is_read_from_two_files_or_from_one() {
    let files = Files::new();
    let leaf = Authority::new("root").issue("a.example");
    let chain = files.write("chain.pem", &leaf.chain());
    let key = files.write("key.pem", &leaf.key());
    let both = files.write("both.pem", &format!("{}{}", leaf.key(), leaf.chain()));
    load(&chain, &key).unwrap();
    load(&both, &both).unwrap();
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let files = Files::new();
    let leaf = Authority::new("root").issue("a.example");
    let chain = files.write("chain.pem", &leaf.chain());
    let none = files.path("none.pem");
    for result in [load(&none, &chain), load(&chain, &none), roots(&none).map(drop)] {
        let error = result.unwrap_err();
        let text = format!("`{}` cannot be read: No such file", none.display());
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[test]
fn a_file_without_what_it_should_hold_says_what_that_is() {
    let files = Files::new();
    let leaf = Authority::new("root").issue("a.example");
    let chain = files.write("chain.pem", &leaf.chain());
    let key = files.write("key.pem", &leaf.key());
    let empty = files.write("empty.pem", "");
    let encrypted = leaf.key().replace("PRIVATE", "ENCRYPTED PRIVATE");
    let encrypted = files.write("encrypted.pem", &encrypted);
    let two = files.write("two.pem", &leaf.key().repeat(2));
    assert_complains(load(&empty, &key), &empty, "no certificate");
    assert_complains(load(&key, &key), &key, "no certificate");
    assert_complains(roots(&empty).map(drop), &empty, "no certificate");
    assert_complains(load(&chain, &empty), &empty, "no private key");
    assert_complains(load(&chain, &chain), &chain, "no private key");
    assert_complains(load(&chain, &encrypted), &encrypted, "key is encrypted");
    assert_complains(load(&chain, &two), &two, "several private keys");
}

#[test]
fn what_is_in_a_file_must_be_whole() {
    let files = Files::new();
    let leaf = Authority::new("root").issue("a.example");
    let chain = files.write("chain.pem", &leaf.chain());
    let key = files.write("key.pem", &leaf.key());
    // "AAAA" is base64, but not what the section says.
    let of =
        |kind: &str, text: &str| format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n");
    let no_base64 = files.write("no-base64.pem", &of("CERTIFICATE", "?"));
    let no_certificate = of("CERTIFICATE", "AAAA");
    let second = files.write("second.pem", &(leaf.chain() + &no_certificate));
    let no_certificate = files.write("no-certificate.pem", &no_certificate);
    let no_key = files.write("no-key.pem", &of("PRIVATE KEY", "AAAA"));
    assert_complains(load(&no_base64, &key), &no_base64, "no PEM");
    assert_complains(load(&no_certificate, &key), &no_certificate, "cannot be read");
    assert_complains(load(&second, &key), &second, "cannot be read");
    assert_complains(load(&chain, &no_key), &no_key, "broken");
    assert_complains(roots(&no_base64).map(drop), &no_base64, "no PEM");
    assert_complains(roots(&no_certificate).map(drop), &no_certificate, "as a root");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let files = Files::new();
    let authority = Authority::new("root");
    let chain = files.write("chain.pem", &authority.issue("a.example").chain());
    let other = files.write("other.pem", &authority.issue("a.example").key());
    let error = load(&chain, &other).unwrap_err();
    let TlsError::Mismatch { certificates, key } = &error else { panic!("{error}") };
    assert_eq!((certificates, key), (&chain, &other));
}

/// A reader's errors quote the line that it could not read.
#[test]
fn nothing_of_a_key_is_ever_shown() {
    let files = Files::new();
    let leaf = Authority::new("root").issue("a.example");
    let chain = files.write("chain.pem", &leaf.chain());
    let secret = "SECRETSECRETSECRET";
    for text in [
        format!("-----BEGIN PRIVATE KEY-----\n{secret}?\n-----END PRIVATE KEY-----\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"),
        format!("-----BEGIN {secret}\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"),
    ] {
        let path = files.write("broken.pem", &text);
        let error = load(&chain, &path).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.source());
        assert!(!shown.contains("SECRET") && !shown.contains("83, 69, 67"), "{shown}");
    }
}
