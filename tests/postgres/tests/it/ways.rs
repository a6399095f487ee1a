//! Which way is taken, and what is said if there is none.

use crate::hold::{Ending, command, failure};

#[test]
fn an_unknown_way_is_an_error_that_names_it() {
    let message = failure(&mut command(Some("podman"), Ending::Exit));
    assert!(
        message.contains(r#"OUTPUT_PORT_USAGE_POSTGRES is "podman": it must be url, local or docker"#),
        "{message}"
    );
}

#[test]
fn a_forced_url_has_to_be_given() {
    let message = failure(&mut command(Some("url"), Ending::Exit));
    assert!(message.contains("needs a server's URL in OUTPUT_PORT_USAGE_DATABASE_URL"), "{message}");
}

#[test]
fn a_wrong_url_is_an_error_and_no_other_way_is_tried() {
    for (url, expected) in [
        ("mysql://localhost/db", "OUTPUT_PORT_USAGE_DATABASE_URL is not a postgres:// URL"),
        ("no url", "OUTPUT_PORT_USAGE_DATABASE_URL is not a postgres:// URL: relative URL"),
        // Nothing listens on port 1.
        ("postgres://127.0.0.1:1/db", "the server of OUTPUT_PORT_USAGE_DATABASE_URL does not answer: "),
    ] {
        let message = failure(command(None, Ending::Exit).env("OUTPUT_PORT_USAGE_DATABASE_URL", url));
        assert!(message.contains(expected), "{url}: {message}");
    }
}

#[test]
fn a_failure_names_the_three_ways() {
    // A server that cannot be started, and a Docker that is not there.
    let folder = tempfile::tempdir().expect("a directory");
    let mut command = command(None, Ending::Exit);
    command.env("TMPDIR", folder.path().join("missing")).env("DOCKER_HOST", "tcp://127.0.0.1:1");
    let message = failure(&mut command);
    for way in ["set OUTPUT_PORT_USAGE_DATABASE_URL", "install PostgreSQL's server binaries", "start Docker"]
    {
        assert!(message.contains(way), "{way}: {message}");
    }
}
