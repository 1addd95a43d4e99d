//! Known keys as the command prints them; what it refuses; what it keeps to itself.

use basalt_primitives::keys::DEV_PHRASE;
use clap::Parser;
use proptest::prelude::*;

use super::*;

/// Alice's account in the three schemes: public key, account, address.
const ALICE: [(Scheme, &str, &str, &str); 3] = [
    (
        Scheme::Sr25519,
        "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
        "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    ),
    (
        Scheme::Ed25519,
        "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
        "0x88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee",
        "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu",
    ),
    (
        Scheme::Ecdsa,
        "0x020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1",
        "0x01e552298e47454041ea31273b4b630c64c104e4514aa3643490b8aaca9cf8ed",
        "5C7C2Z5sWbytvHpuLTvzKunnnRwQxft1jiqrLD5rhucQ5S9X",
    ),
];

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: KeyCommand,
}

fn parse(args: &[&str]) -> Result<KeyCommand, clap::Error> {
    Cli::try_parse_from([&["key"], args].concat()).map(|cli| cli.command)
}

fn run_inspect(args: &[&str]) -> Result<String, KeyCommandError> {
    match parse(&[&["inspect"], args].concat()).unwrap() {
        KeyCommand::Inspect(args) => {
            let text = args.text.iter().map(|word| word.0.as_str()).collect::<Vec<_>>().join(" ");
            inspect(&args, &text)
        }
        _ => panic!("inspect was asked for"),
    }
}

fn run_generate(args: &[&str]) -> Result<String, KeyCommandError> {
    match parse(&[&["generate"], args].concat()).unwrap() {
        KeyCommand::Generate(args) => generate(&args),
        _ => panic!("generate was asked for"),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn alice_is_the_known_account_in_all_schemes() {
    for (scheme, public, account, address) in ALICE {
        let shown = json(&run_inspect(&["//Alice", "--scheme", &scheme.to_string(), "--json"]).unwrap());
        assert_eq!(shown["scheme"], scheme.to_string());
        assert_eq!(shown["publicKey"], public);
        assert_eq!(shown["accountId"], account);
        assert_eq!(shown["ss58Address"], address);
        assert_eq!(shown["networkId"], "substrate");
        assert_eq!(shown["networkPrefix"], 42);
    }
}

#[test]
fn the_text_is_laid_out_as_subkey_lays_it_out() {
    let key = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
    let address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let expected = format!(
        "Secret Key URI `//Alice` is account:
  Network ID:        substrate
  Secret seed:       0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a
  Scheme:            sr25519
  Public key (hex):  {key}
  Account ID:        {key}
  Public key (SS58): {address}
  SS58 Address:      {address}"
    );
    assert_eq!(run_inspect(&["//Alice", "--show-secret"]).unwrap(), expected);
}

#[test]
fn the_json_has_the_names_of_subkey() {
    let mut names: Vec<_> =
        json(&run_generate(&["--json"]).unwrap()).as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accountId",
            "networkId",
            "networkPrefix",
            "publicKey",
            "scheme",
            "secretPhrase",
            "secretSeed",
            "ss58Address",
            "ss58PublicKey",
        ]
    );
}

#[test]
fn a_new_phrase_restores_the_key() {
    for scheme in ["sr25519", "ed25519", "ecdsa"] {
        for words in ["12", "24"] {
            let new = json(&run_generate(&["--scheme", scheme, "--words", words, "--json"]).unwrap());
            let phrase = new["secretPhrase"].as_str().unwrap();
            assert_eq!(phrase.split(' ').count().to_string(), words);
            for secret in [phrase, new["secretSeed"].as_str().unwrap()] {
                let again = json(&run_inspect(&[secret, "--scheme", scheme, "--json"]).unwrap());
                assert_eq!(again["accountId"], new["accountId"]);
                assert_eq!(again["ss58Address"], new["ss58Address"]);
            }
        }
    }
    let two = [run_generate(&["--json"]).unwrap(), run_generate(&["--json"]).unwrap()];
    assert_ne!(two[0], two[1]);
}

#[test]
fn a_secret_is_shown_only_on_request() {
    let secret = format!("{DEV_PHRASE}//hard///password");
    for flag in [&[][..], &["--json"]] {
        let shown = run_inspect(&[&[secret.as_str()], flag].concat()).unwrap();
        assert!(!shown.contains("bottom") && !shown.contains("password"), "{shown}");
        assert!(!shown.contains("ecret seed") && !shown.contains("secretSeed"), "{shown}");
    }
    let shown = json(&run_inspect(&[&secret, "--json", "--show-secret"]).unwrap());
    assert_eq!(shown["secretKeyUri"], secret.as_str());
    assert!(shown["secretSeed"].as_str().unwrap().starts_with("0x"));
}

#[test]
fn neither_debug_nor_errors_show_a_secret() {
    let args = parse(&["inspect", "hush hush"]).unwrap();
    assert!(!format!("{args:?}").contains("hush"));
    for secret in ["hush hush", "hush", "0xhush", "hush//x", "//x//"] {
        let error = run_inspect(&[secret]).unwrap_err().to_string();
        assert!(!error.contains("hush"), "{error}");
    }
}

#[test]
fn a_phrase_needs_no_quotes() {
    let words: Vec<&str> = DEV_PHRASE.split(' ').collect();
    assert_eq!(run_inspect(&words).unwrap(), run_inspect(&[DEV_PHRASE]).unwrap());
}

#[test]
fn a_key_after_a_soft_junction_has_no_seed() {
    let shown = json(&run_inspect(&["//Alice/soft", "--show-secret", "--json"]).unwrap());
    assert_eq!(shown["secretSeed"], "n/a");
    let error = run_inspect(&["//Alice/soft", "--scheme", "ecdsa"]).unwrap_err();
    assert!(matches!(error, KeyCommandError::Key(KeyError::SoftJunction { .. })));
}

#[test]
fn an_address_shows_its_network_and_its_account() {
    // Alice on Polkadot, Kusama and a network with a prefix of two bytes.
    for (prefix, name) in [(0, "polkadot"), (2, "kusama"), (1284, "1284")] {
        let alice = json(&run_inspect(&["//Alice", "--network", name, "--json"]).unwrap());
        let address = alice["ss58Address"].as_str().unwrap();
        let shown = json(&run_inspect(&[address, "--json"]).unwrap());
        assert_eq!(shown["networkPrefix"], prefix);
        assert_eq!(shown["networkId"], name);
        assert_eq!(shown["accountId"], ALICE[0].2);
        assert_eq!(shown["ss58Address"], address);
        assert_eq!(shown["scheme"], Value::Null);
        let other = json(&run_inspect(&[address, "--network", "42", "--json"]).unwrap());
        assert_eq!(other["ss58Address"], ALICE[0].3);
    }
    assert!(run_inspect(&[ALICE[0].3]).unwrap().starts_with("Address of network 42 is account:\n"));
    assert_eq!(
        json(&run_inspect(&["//Alice", "--network", "polkadot", "--json"]).unwrap())["ss58Address"],
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5"
    );
}

#[test]
fn an_ecdsa_account_does_not_tell_its_key() {
    let (scheme, public, account, address) = ALICE[2];
    let shown = json(&run_inspect(&[address, "--scheme", "ecdsa", "--json"]).unwrap());
    assert_eq!(shown["publicKey"], Value::Null);
    assert_eq!(shown["accountId"], account);
    // The address of the key itself does.
    let of_key = ss58::encode(42, &const_hex::decode(public).unwrap());
    let shown = json(&run_inspect(&[&of_key, "--json"]).unwrap());
    assert_eq!(shown["scheme"], scheme.to_string());
    assert_eq!(shown["publicKey"], public);
    assert_eq!(shown["ss58Address"], address);
}

#[test]
fn a_public_key_leads_to_the_account_of_its_secret() {
    for (scheme, public, account, address) in ALICE {
        let scheme = scheme.to_string();
        let shown = json(&run_inspect(&[public, "--public", "--scheme", &scheme, "--json"]).unwrap());
        assert_eq!(shown["accountId"], account);
        assert_eq!(shown["ss58Address"], address);
    }
    // Without the flag it is a seed, and so another account.
    let as_seed = json(&run_inspect(&[ALICE[0].1, "--json"]).unwrap());
    assert_ne!(as_seed["accountId"], ALICE[0].2);
}

#[test]
fn what_is_no_public_key_is_refused() {
    let uncompressed = format!("0x04{}", "11".repeat(32));
    for text in ["0x", "0x00", "00", "0x0xd4", "//Alice", &uncompressed] {
        assert_eq!(run_inspect(&[text, "--public"]).unwrap_err(), KeyCommandError::BadPublic, "{text}");
    }
    let error = run_inspect(&[ALICE[0].1, "--public", "--scheme", "ecdsa"]).unwrap_err();
    assert_eq!(error, KeyCommandError::OtherScheme { bytes: 32, scheme: Scheme::Ecdsa });
}

#[test]
fn a_mistyped_address_is_told_from_a_secret() {
    let mistyped = ALICE[0].3.replace("Grw", "Grx");
    let error = run_inspect(&[&mistyped]).unwrap_err();
    assert_eq!(error, KeyCommandError::NotAnAddress(Ss58Error::BadChecksum));
    let short = ss58::encode(42, &[1; 8]);
    assert_eq!(run_inspect(&[&short]).unwrap_err(), KeyCommandError::NotAKey(8));
}

#[test]
fn unusable_flags_say_what_is_usable() {
    for (args, hint) in [
        (&["generate", "--scheme", "rsa"][..], "sr25519, ed25519 or ecdsa"),
        (&["generate", "--network", "16384"], "0 to 16383"),
        (&["generate", "--network", "rococo"], "polkadot, kusama, substrate"),
    ] {
        let error = parse(args).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
    assert_eq!(run_generate(&["--words", "13"]).unwrap_err(), KeyError::GeneratedWordCount(13).into());
    assert!(parse(&["inspect", "--public", "--show-secret"]).is_err());
}

#[test]
fn stdin_holds_one_line() {
    assert_eq!(one_line(&b"//Alice\n"[..]).unwrap(), "//Alice");
    assert_eq!(one_line(&b" //Alice\r\n\n"[..]).unwrap(), "//Alice");
    assert_eq!(one_line(&b"//Alice///pass \n"[..]).unwrap(), "//Alice///pass ");
    let long = vec![b'x'; usize::try_from(STDIN_BYTES_MAX).unwrap()];
    assert_eq!(one_line(&long[..]).unwrap().len(), long.len());
    for bad in [&b"\n"[..], b"a\nb\n", b"\xff", &[&long[..], b"x"].concat()] {
        assert!(matches!(one_line(bad), Err(KeyCommandError::BadStdin(_))), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn every_address_is_shown_again(prefix in 0..=PREFIX_MAX, account: [u8; 32]) {
        let address = ss58::encode(prefix, &account);
        let shown = json(&run_inspect(&[&address, "--json"]).unwrap());
        prop_assert_eq!(&shown["ss58Address"], address.as_str());
        prop_assert_eq!(&shown["networkPrefix"], prefix);
        let account = const_hex::encode_prefixed(account);
        prop_assert_eq!(&shown["accountId"], account.as_str());
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}", public: bool) {
        let args = InspectArgs {
            text: Vec::new(), scheme: None, network: None, public, show_secret: false, json: true,
        };
        let _ = inspect(&args, &text);
    }
}
