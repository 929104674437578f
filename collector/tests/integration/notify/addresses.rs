//! Where messages may go: nowhere private that is not allowed, and nowhere else than they were sent.

use super::Site;
use super::receiver::{Receiver, answer};

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_refused_in_every_disguise_unless_it_is_allowed() {
    let here = Receiver::start(|_, _| answer(200, "", "")).await;
    let disguises = [
        ("address", "127.0.0.1", "127.0.0.1"),
        ("coded", "%31%32%37.0.0.1", "127.0.0.1"),
        ("decimal", "2130706433", "127.0.0.1"),
        ("dotted", "127.0.0.1.", "127.0.0.1"),
        ("hexadecimal", "0x7f000001", "127.0.0.1"),
        ("mapped", "[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
        ("mixed", "0x7f.0.0x0.01", "127.0.0.1"),
        // Of either kind, as the machine has it.
        ("name", "localhost", ""),
        ("nowhere", "0.0.0.0", "0.0.0.0"),
        ("octal", "0177.0.0.1", "127.0.0.1"),
        ("short", "127.1", "127.0.0.1"),
        ("shouted", "LOCALHOST", ""),
        ("six", "[::1]", "::1"),
        ("user", "1.1.1.1@127.0.0.1", "127.0.0.1"),
        ("wide", "１２７。０.０.１", "127.0.0.1"),
    ];
    let settings = |more: &str| {
        let receiver = |(name, host, _): &(&str, &str, &str)| {
            let url = format!("http://{host}:{}/", here.address.port());
            format!("[notify.receivers.{name}]\nkind = 'webhook'\nurl = '{url}'\n{more}\n")
        };
        disguises.iter().map(receiver).collect::<String>()
    };
    let (code, out, err) = Site::new(&settings(""), "").run(&["notify", "test"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(err.contains("15 of 15 receivers did not take the test"), "{err}");
    for (line, (name, _, address)) in out.lines().zip(disguises) {
        let sentence =
            format!("{address}, in a private network or on this machine; set allow_private = true if it is meant");
        assert!(line.starts_with(&format!("FAILED  {name}: ")) && line.ends_with(&sentence), "{line}");
    }
    assert!(here.requests().is_empty());

    let (_, out, _) = Site::new(&settings("allow_private = true"), "").run(&["notify", "test"]);
    let arrived = out.lines().filter(|line| line.starts_with("ok      ")).count();
    // It does not listen by IPv6.
    assert!(arrived == 14 && out.contains("FAILED  six: it cannot be reached: "), "{out}");
    assert_eq!(here.requests().len(), 14);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inside_a_network_is_refused_by_every_kind_of_receiver_before_anything_is_sent() {
    // What clouds tell every machine of itself, its credentials among it; neighbours; what stands for them in IPv6.
    let inside = [
        "169.254.169.254",
        "2852039166",
        "0xa9.0xfe.0xa9.0xfe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "012.0.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[::a9fe:a9fe]",
        "[::]",
        "255.255.255.255",
        "224.0.0.1",
        "1.1.1.1:80@169.254.169.254",
    ];
    for kind in ["webhook", "slack", "discord", "alertmanager"] {
        let receiver = |(index, host): (usize, &&str)| {
            format!("[notify.receivers.r{index:02}]\nkind = '{kind}'\nurl = 'http://{host}/latest/meta-data/'\n")
        };
        let site = Site::new(&inside.iter().enumerate().map(receiver).collect::<String>(), "");
        let (code, out, _) = site.run(&["notify", "test"]);
        assert_eq!((code, out.lines().count()), (Some(1), inside.len()), "{out}");
        for (line, host) in out.lines().zip(inside) {
            let is_refused = line.ends_with("set allow_private = true if it is meant");
            assert!(line.starts_with("FAILED") && is_refused, "{kind} {host}: {line}");
        }
    }
    let mail = |host: &str| {
        format!(
            "[notify.receivers.mail]\nkind = 'email'\nsmtp = '{host}'\ntls = 'none'\nfrom = 'a@example.com'\nto = ['b@example.com']"
        )
    };
    for host in ["169.254.169.254:25", "localhost:25", "[::ffff:10.0.0.1]:25", "2852039166:25"] {
        let (_, out, _) = Site::new(&mail(host), "").run(&["notify", "test"]);
        assert!(out.contains("set allow_private = true if it is meant"), "{host}: {out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed_and_nothing_reaches_the_other_place() {
    const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];
    let other = Receiver::start(|_, _| answer(200, "", "")).await;
    let location = format!("Location: {}\r\n", other.url("/elsewhere"));
    let here = Receiver::start(move |number, _| answer(STATUSES[number - 1], &location, "")).await;
    let site = Site::new(
        &format!(
            "[notify.receivers.hook]\nkind = 'webhook'\nurl = '{}'\nallow_private = true\nsecret = 'a secret'\n\
             username = 'user'\npassword = 'a password'",
            here.url("/")
        ),
        "",
    );
    for status in STATUSES {
        let (code, out, _) = site.run(&["notify", "test", "hook"]);
        let line = format!("FAILED  hook: it answers {status}: redirects are not followed; give the final address\n");
        assert_eq!((code, out), (Some(1), line));
    }
    let requests = here.requests();
    assert_eq!(requests.len(), STATUSES.len());
    for request in requests {
        // "user:a password"
        assert_eq!(request.header("authorization"), "Basic dXNlcjphIHBhc3N3b3Jk");
        assert!(request.header("webhook-signature").starts_with("v1,"));
    }
    assert!(other.requests().is_empty());
}
