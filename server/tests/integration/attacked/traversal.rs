//! Files beside the site, asked for in every spelling that has ever led out of one.

use std::collections::BTreeSet;

use super::line::Line;
use crate::helpers::{Dashboard, Place};

/// What lies beside the site and is nobody's to read.
const PLANTED: &str = "PLANTED-beside-the-site";

/// Where files and routes begin, with how deep that is below the root.
const STARTS: [(&str, usize); 8] = [
    ("/", 0),
    ("/pkg/", 1),
    ("/pkg/page.0123456789abcdef.css/", 2),
    ("/fonts/", 1),
    ("/system/", 1),
    ("/api/", 1),
    ("/api/v1/", 2),
    ("/api/v1/silences/", 3),
];

/// A step up: encoded once and twice, longer than UTF-8 may be, for other systems, with what others cut off.
const STEPS: [&[u8]; 36] = [
    b"../",
    b"..%2f",
    b"..%2F",
    b"%2e%2e/",
    b"%2e%2e%2f",
    b"%2E%2E%2F",
    b".%2e/",
    b"%2e./",
    b"..\\",
    b"..%5c",
    b"%2e%2e%5c",
    b"%2e%2e\\",
    b"..%252f",
    b"%252e%252e/",
    b"%252e%252e%252f",
    b"%25252e%25252e%25252f",
    b"..%255c",
    b"..%c0%af",
    b"%c0%ae%c0%ae/",
    b"%c0%ae%c0%ae%c0%af",
    b"..%c1%9c",
    b"..%e0%80%af",
    b"%e0%80%ae%e0%80%ae/",
    b"..%f0%80%80%af",
    b"..\xc0\xaf",
    b"\xc0\xae\xc0\xae/",
    b"..%u2215",
    b"%uff0e%uff0e/",
    "．．／".as_bytes(),
    b"%ef%bc%8e%ef%bc%8e%ef%bc%8f",
    b"..;/",
    b"....//",
    b"..././",
    b".//..//",
    b"..%00/",
    b"..%0d%0a/",
];

/// What is put behind the name, so that it looks like another file.
const ENDINGS: [&str; 4] = ["", "%00.css", ";.css", "/."];

/// Targets of requests, each leading to `name` one above the site, or to `path`, if anything does.
fn spellings(base: &str, name: &str, path: &str) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    for (start, depth) in STARTS {
        for step in STEPS {
            // Of the site's own folder all, for it is where files are.
            for ending in if start == "/pkg/" { &ENDINGS[..] } else { &[""] } {
                let climb = step.repeat(depth + 1);
                all.insert([base.as_bytes(), start.as_bytes(), &climb, name.as_bytes(), ending.as_bytes()].concat());
            }
        }
        // From the root of the machine.
        let encoded = path.replace('/', "%2f");
        for absolute in [path, &encoded, &format!("/{path}"), &format!("file://{path}"), &format!("C:{path}")] {
            all.insert(format!("{base}{start}{absolute}").into_bytes());
        }
        let far = "../".repeat(30);
        all.insert(format!("{base}{start}{far}{path}").into_bytes());
        all.insert(format!("{base}{start}{}{path}", far.replace('.', "%2e").replace('/', "%2f")).into_bytes());
    }
    // No path at all, or another one than the base path's.
    for odd in [
        format!("../{name}"),
        name.to_owned(),
        path.to_owned(),
        format!("file://{path}"),
        format!("http://127.0.0.1{base}/../{name}"),
        format!("http://127.0.0.1{base}/pkg/..%2f..%2f{name}"),
        format!("//127.0.0.1/../{name}"),
        format!("{base}/../{name}"),
        format!("{base}/..{base}/../{name}"),
        format!("{base}%2f..%2f{name}"),
        format!("{base}..%2f{name}"),
        "*".to_owned(),
    ] {
        all.insert(odd.into_bytes());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_beside_the_site_is_read_by_any_spelling() {
    for base in ["", "/monitoring"] {
        let place = Place::new();
        for name in ["planted.txt", "site-planted.txt", "data/planted.txt"] {
            std::fs::create_dir_all(place.data_dir()).unwrap();
            std::fs::write(place.path().join(name), PLANTED).unwrap();
        }
        // The very spelling is readable where it is a file of the site.
        std::fs::write(place.path().join("site/pkg/own.txt"), "own").unwrap();
        let setting = format!("server.base_path={base}");
        let dashboard = Dashboard::start(&place, &["--set", &setting]).await;
        let host = dashboard.host.strip_suffix(base).unwrap();
        let mut line = Line::to(host);
        let own = line.ask(format!("GET {base}/pkg%2fown.txt HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await;
        assert_eq!(own.map(|own| (own.status, own.body)), Some((200, "own".to_owned())));

        let path = place.path().join("planted.txt");
        let mut all = spellings(base, "planted.txt", path.to_str().unwrap());
        for other in ["site-planted.txt", "data/planted.txt", "data/access.json"] {
            all.extend(["../", "%2e%2e/", "..%2f", "..%5c"].map(|step| format!("{base}/{step}{other}").into_bytes()));
        }
        assert!(all.len() >= 200, "{}", all.len());
        for target in all {
            let shown = String::from_utf8_lossy(&target).into_owned();
            let head = [b"GET ", &target[..], b" HTTP/1.1\r\nHost: ", host.as_bytes(), b"\r\n\r\n"];
            let answer = line.ask(&head.concat()).await.unwrap_or_else(|| panic!("no answer to {shown}"));
            assert!((400..500).contains(&answer.status), "{shown}: {}", answer.status);
            assert!(!answer.body.contains(PLANTED) && !answer.body.contains("\"users\""), "{shown}: {answer:?}");
        }
    }
}
