//! Promise: `list` shows just the images that are asked for, in the order and the form that is asked
//! for, page after page; `find` and `exists` find what is there.

use serde_json::{Value, json};
use snapbox::{IntoData as _, assert_data_eq, str};

use crate::support::{Place, data};

/// Five images; their order of creation is not that of their dates, names, sizes or IDs.
fn filled() -> Place {
    let place = Place::new();
    let config = |labels: &str| format!("{{\"config\": {{\"Labels\": {labels}}}}}");
    let seen = place.session(&[
        &format!("echo '{}' > web", config(r#"{"role": "web", "tier": "1"}"#)),
        &format!("echo '{}' > db", config(r#"{"role": "db"}"#)),
        "echo '{\"config\": {\"digest\": \"sha256:cc\"}}' > manifest",
        "image-store create --id dd --name quay.io/web:2 --created 2024-03-02T00:00:00Z \
         --layer top --data sha256:dd=web",
        "image-store create --id aa --created 2024-03-03T00:00:00Z --layer other",
        "image-store create --id cc1 --name localhost/db:1 --name app --layer top --flag seen \
         --created 2024-03-01T23:30:00-01:00 --data manifest=manifest --data sha256:cc=db",
        "image-store create --id bb --created 2024-02-29T12:00:00Z --flag level=3",
        "image-store create --id ee --name a --created 2025-01-01T00:00:00Z",
    ]);
    assert!(!seen.contains('!'), "{seen}");
    place
}

#[test]
fn filters_keep_the_images_that_meet_all_of_them() {
    let place = filled();
    let ids = |filters: &[&str]| -> String {
        let mut arguments = vec!["list", "--quiet"];
        for filter in filters {
            arguments.extend(["--filter", filter]);
        }
        let ran = place.run(&arguments);
        ran.printed().lines().collect::<Vec<_>>().join(" ")
    };
    let inspected = place.run(&["inspect", "cc1"]).json();
    let digest = inspected[0]["digest"].as_str().unwrap().to_owned();
    let encoded = digest.trim_start_matches("sha256:");
    for (filters, expected) in [
        (&[][..], "dd aa cc1 bb ee"),
        (&["name=*"], "dd cc1 ee"),
        (&["name=quay.io/*"], "dd"),
        (&["name=?"], "ee"),
        (&["name=app"], "cc1"),
        (&["name=ap"], ""),
        (&["dangling=true"], "aa bb"),
        (&["dangling=false"], "dd cc1 ee"),
        (&["before=2024-03-01"], "bb"),
        (&["since=2024-03-02"], "aa cc1 ee"),
        (&["since=2024-03-02T00:00:00Z", "before=ee"], "aa cc1"),
        (&["before=dd"], "bb"),
        (&["since=quay.io/web:2"], "aa cc1 ee"),
        (&["layer=top"], "dd cc1"),
        (&["layer=top", "name=app"], "cc1"),
        (&["layer=to"], ""),
        (&["flag=seen"], "cc1"),
        (&["flag=level"], "bb"),
        (&["flag=level=3"], "bb"),
        (&["flag=level=4"], ""),
        (&["label=role"], "dd cc1"),
        (&["label=role=web"], "dd"),
        (&["label=role=we"], ""),
        (&["label=role", "label=tier=1"], "dd"),
        (&["label=none"], ""),
        (&[&format!("digest={digest}")], "cc1"),
        (&[&format!("digest={}", &digest[..20])], "cc1"),
        (&[&format!("digest={encoded}")], "cc1"),
        (&[&format!("digest=sha256:{}", "0".repeat(64))], ""),
    ] {
        assert_eq!(ids(filters), expected, "{filters:?}");
    }
}

#[test]
fn what_cannot_be_filtered_by_is_said() {
    let place = filled();
    for (filter, code, words) in [
        ("colour=red", 2, "dangling=true|false"),
        ("name", 2, "name=GLOB"),
        ("dangling=perhaps", 2, "true or false"),
        ("before=none", 1, "\"none\""),
        ("before=2024-13-01", 1, "neither a date, such as 2024-03-01"),
        ("since=2024-3-1", 1, "neither a date"),
    ] {
        let ran = place.run(&["list", "--filter", filter]);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{ran:?}");
        assert!(ran.stderr.contains(words), "{ran:?}");
    }
}

#[test]
fn pages_in_every_order_make_up_the_whole() {
    let place = filled();
    for (order, expected) in [
        (&[][..], "dd aa cc1 bb ee"),
        (&["--sort", "created"], "bb dd cc1 aa ee"),
        (&["--sort", "created", "--reverse"], "ee aa cc1 dd bb"),
        (&["--sort", "id"], "aa bb cc1 dd ee"),
        (&["--sort", "name"], "ee cc1 dd aa bb"),
        (&["--sort", "name", "--reverse"], "bb aa dd cc1 ee"),
        (&["--sort", "items"], "aa bb ee dd cc1"),
        (&["--sort", "size", "--reverse"], "cc1 dd ee bb aa"),
    ] {
        let page = |more: &[&str]| -> Vec<String> {
            let ran = place.run(&[&["list", "--quiet"], order, more].concat());
            ran.printed().lines().map(str::to_owned).collect()
        };
        assert_eq!(page(&[]).join(" "), expected, "{order:?}");
        assert!(page(&["--limit", "0"]).is_empty(), "{order:?}");
        for limit in ["1", "2", "3"] {
            let mut whole = page(&["--limit", limit]);
            loop {
                let last = whole.last().unwrap().clone();
                let next = page(&["--limit", limit, "--after", &last]);
                if next.is_empty() {
                    break;
                }
                whole.extend(next);
            }
            assert_eq!(whole.join(" "), expected, "{order:?} by {limit}");
        }
    }
    let unknown = place.run(&["list", "--after", "none"]);
    assert_eq!(unknown.failed().0, 1);
    assert_eq!(unknown.stdout, "", "a heading of nothing");
}

#[test]
fn each_form_is_what_it_says() {
    let place = Place::new();
    let long = "0123456789abcdef".repeat(4);
    let seen = place.session(&[
        &format!("echo x | image-store create --id {long} --name app --name b --data manifest=-"),
        "image-store create --id short",
        "image-store list --quiet",
        "image-store ls -q --no-trunc",
        "image-store list --format '{{ short_id }}\\t{{ names|join(\",\") or \"none\" }}'",
        "image-store list --format '{{ name }}|{{ size|human_size }}|{{ items|length }}|{{ layer }}'",
        "image-store list --format '{% for item in items %}{{ item.key }} {{ item.size }}{% endfor %}'",
        "image-store list --format '{{ colour }}'",
        "image-store list --format '{{ id'",
        "image-store list --format '{{ id|frob }}'",
    ]);
    assert_data_eq!(seen, str![[r#"
$ echo x | image-store create --id 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef --name app --name b --data manifest=-
0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
$ image-store create --id short
short
$ image-store list --quiet
0123456789ab
short
$ image-store ls -q --no-trunc
0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
short
$ image-store list --format '{{ short_id }}\t{{ names|join(",") or "none" }}'
0123456789ab	app,b
short	none
$ image-store list --format '{{ name }}|{{ size|human_size }}|{{ items|length }}|{{ layer }}'
app|2 B|1|
|0 B|0|
$ image-store list --format '{% for item in items %}{{ item.key }} {{ item.size }}{% endfor %}'
manifest 2

$ image-store list --format '{{ colour }}'
! error: the template asks for "colour"; there are: age, created, digest, digests, flags, id, items, labels, layer, mapped_layers, metadata, name, names, names_history, short_id, size
[exit 2]
$ image-store list --format '{{ id'
! error: the template cannot be used: syntax error: unexpected end of input, expected end of variable block
[exit 2]
$ image-store list --format '{{ id|frob }}'
! error: the template cannot be used: unknown filter: filter frob is unknown
[exit 2]

"#]].raw());

    let table = place.run(&["list", "--digests", "--no-trunc"]);
    let lines: Vec<_> = table.printed().lines().collect();
    for word in [long.as_str(), "sha256:73cb3858", "now", "app, b"] {
        let shown = lines[1].contains(word) || (word == "now" && lines[1].contains("ago"));
        assert!(shown, "{word}: {lines:#?}");
    }
    assert!(lines[2].contains("<none>"), "{lines:#?}");
    let digest = |line: &str| line.find("sha256:").or_else(|| line.find("DIGEST"));
    assert_eq!(digest(lines[0]), digest(lines[1]), "{lines:#?}");

    let array = place.run(&["list", "--json"]).json();
    let objects = place.run(&["list", "--json-lines"]);
    let objects: Vec<Value> = objects
        .printed()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(array, json!(objects));
    for pair in [
        ["--json", "--quiet"],
        ["--json", "--json-lines"],
        ["--quiet", "--digests"],
    ] {
        assert_eq!(
            place.run(&[&["list"][..], &pair].concat()).code,
            2,
            "{pair:?}"
        );
    }
}

/// The labels of images that podman wrote are where it keeps them.
#[test]
fn labels_and_history_of_images_by_podman_are_found() {
    let place = Place::new();
    let source = data("podman/vfs-images");
    let ran = place.run(&["import", source.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = place.session(&[
        "image-store list --filter label=org.example.kind=import --format '{{ name }}'",
        "image-store list --filter label=stage --no-trunc --quiet",
        "image-store list --filter name=localhost/oci-app:* --format '{{ labels|tojson }}'",
        "image-store history localhost/import-base:v1 --json",
        "image-store history localhost/emptylist:1",
    ]);
    assert_data_eq!(seen, str![[r#"
$ image-store list --filter label=org.example.kind=import --format '{{ name }}'
localhost/import-base:v1
$ image-store list --filter label=stage --no-trunc --quiet
67b27e3e428bdf5646bbae345a9af1c7f011c55e8d8b749ac5fe6375d0aca6ef
2a6cb9d5bd43328ae20454afce3c2b88482ed3215691b15c1ff23005dad28caf
$ image-store list --filter name=localhost/oci-app:* --format '{{ labels|tojson }}'
{"a":"b","io.buildah.version":"1.39.3"}
$ image-store history localhost/import-base:v1 --json
[
  {
    "created": "2026-11-23T20:45:39.117429744Z",
    "created_by": "/bin/sh -c #(nop) ADD file:1d3bf7bdcfea5a44d7cad7d61c50717da829e74fb668c00efac10276fb7503d3 in /",
    "comment": "imported base"
  }
]
$ image-store history localhost/emptylist:1
! error: the image "ddb98142a82208be56c62dcfc4805091d177ab2e5fac728bb7674bb4d71cd368" has no configuration in the store that tells its history; see: image-store data list
[exit 1]

"#]].raw());
    let history = place.run(&["history", "localhost/bud:2"]);
    let lines: Vec<_> = history.printed().lines().collect();
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert!(lines[0].starts_with("CREATED"), "{lines:#?}");
    assert!(lines[1].contains("LABEL final=yes"), "{lines:#?}");
    assert!(lines[3].ends_with('…'), "a long command is cut: {lines:#?}");
    let whole = place.run(&["history", "localhost/bud:2", "--no-trunc"]);
    assert!(!whole.printed().contains('…'), "{whole:?}");
}

#[test]
fn find_shows_all_that_begins_with_the_prefix() {
    let place = Place::new();
    let seen = place.session(&[
        "echo x | image-store create --id 73ab --name 73-app --data manifest=-",
        "image-store create --id 99 --name 73cb",
        "image-store create --id 0a",
        "image-store find 73",
        "image-store find 73 --quiet",
        "image-store find sha256:73cb 0a",
        "image-store find 73c --json",
        "image-store find none",
        "image-store find none --json",
        "image-store find",
        "image-store exists 73a && echo yes",
        "image-store exists 73-app && echo yes",
        "image-store exists none || echo no",
    ]);
    let seen: String = seen
        .lines()
        .filter(|line| !line.starts_with("! ") || line.starts_with("! error"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_data_eq!(seen, str![[r#"
$ echo x | image-store create --id 73ab --name 73-app --data manifest=-
73ab
$ image-store create --id 99 --name 73cb
99
$ image-store create --id 0a
0a
$ image-store find 73
IMAGE ID      KIND    MATCH
73ab          id      73ab
73ab          name    73-app
99            name    73cb
73ab          digest  sha256:73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac
$ image-store find 73 --quiet
73ab
99
$ image-store find sha256:73cb 0a
IMAGE ID      KIND    MATCH
73ab          digest  sha256:73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac
0a            id      0a
$ image-store find 73c --json
[
{"id":"99","kind":"name","match":"73cb"},
{"id":"73ab","kind":"digest","match":"sha256:73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac"}
]
$ image-store find none
[exit 1]
$ image-store find none --json
[
]
[exit 1]
$ image-store find
! error: the following required arguments were not provided: <PREFIX>...; see: image-store find --help
[exit 2]
$ image-store exists 73a && echo yes
yes
$ image-store exists 73-app && echo yes
yes
$ image-store exists none || echo no
no

"#]].raw());
    // Both IDs begin with it, so it is no image.
    place.run(&["create", "--id", "73ac"]).printed();
    assert_eq!(place.run(&["exists", "73a"]).code, 1);
}

/// Item bytes that a person is shown must not move the cursor; that they are as they are in a pipe
/// is for programs.
#[test]
fn a_template_gives_a_pipe_what_is_stored() {
    let place = Place::new();
    place
        .run(&["create", "--id", "a", "--name", "x\u{1b}[31m"])
        .printed();
    let ran = place.run(&["list", "--format", "{{ name }}"]);
    assert_eq!(ran.printed(), "x\u{1b}[31m\n");
}
