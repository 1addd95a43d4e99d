use super::*;

#[test]
fn pages_of_this_machine_and_listed_ones_may_and_lookalikes_may_not() {
    let cors = Cors::default();
    for allowed in [
        "http://localhost",
        "http://localhost:3000",
        "https://127.0.0.1:9944",
        "http://[::1]:80",
        "https://polkadot.js.org",
    ] {
        assert!(cors.allows(allowed), "{allowed}");
    }
    for refused in [
        "",
        "null",
        "localhost",
        "http://localhost.example",
        "http://localhost:3000.example",
        "http://localhost:",
        "ftp://localhost",
        "https://127.0.0.10",
        "http://polkadot.js.org",
        "https://polkadot.js.org.example",
    ] {
        assert!(!cors.allows(refused), "{refused}");
        assert!(Cors::All.allows(refused), "{refused}");
    }
}

#[test]
fn unsafe_methods_are_offered_on_loopback_or_by_decision() {
    let local: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let public: SocketAddr = "0.0.0.0:1".parse().unwrap();
    for (rule, at_local, at_public) in [
        (UnsafeMethods::Loopback, true, false),
        (UnsafeMethods::Allow, true, true),
        (UnsafeMethods::Deny, false, false),
    ] {
        assert_eq!((rule.allowed_at(local), rule.allowed_at(public)), (at_local, at_public), "{rule:?}");
    }
}
