//! Each ending of a process, on each way that this machine has.
//!
//! What a machine has is found out here by other means than the library's, and printed. Where it has not,
//! forcing the way must fail with a message that says what is missing: no test is skipped.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::hold::{Ending, Hold, command, eventually, failure};

#[test]
fn a_local_cluster_leaves_no_process_and_no_directory() {
    if !has_binaries() {
        println!("no server binaries here: forcing them must fail");
        let message = failure(&mut command(Some("local"), Ending::Exit));
        assert!(message.contains("no server binaries"), "{message}");
        return;
    }
    for ending in Ending::ALL {
        let hold = Hold::start(&mut command(Some("local"), ending), ending).expect("local binaries are here");
        assert!(hold.server.starts_with("local PostgreSQL "), "{}", hold.server);
        let directory = hold.end();
        eventually(format_args!("{ending:?} leaves no directory"), || !Path::new(&directory).exists());
        eventually(format_args!("{ending:?} leaves no process"), || !processes().contains(&directory));
    }
}

#[test]
fn a_container_is_removed() {
    let image = env::var("OUTPUT_PORT_USAGE_POSTGRES_IMAGE").unwrap_or("postgres:17".to_owned());
    if !docker(&["image", "inspect", &image]) && !docker(&["pull", &image]) {
        println!("no Docker here, or no image {image}: forcing it must fail");
        let message = failure(&mut command(Some("docker"), Ending::Exit));
        assert!(message.contains(&format!("Docker does not start {image}")), "{message}");
        return;
    }
    for ending in Ending::ALL {
        let hold = Hold::start(&mut command(Some("docker"), ending), ending).expect("the image is here");
        assert!(hold.server.ends_with(&format!("in Docker ({image})")), "{}", hold.server);
        assert!(docker(&["container", "inspect", &hold.leaves]), "{} is not a container", hold.leaves);
        let container = hold.end();
        eventually(format_args!("{ending:?} leaves no container"), || {
            !docker(&["container", "inspect", &container])
        });
    }
}

#[test]
fn a_process_killed_while_its_cluster_starts_leaves_nothing() {
    if !has_binaries() {
        println!("no server binaries here: no cluster can start, which another test asserts");
        return;
    }
    let temporary = tempfile::Builder::new().prefix("usage").tempdir().expect("a directory");
    // As /tmp is: for root, the server's user works in it.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    fs::set_permissions(temporary.path(), mode).expect("ours");
    let is_empty = || fs::read_dir(temporary.path()).expect("ours").next().is_none();
    for milliseconds in [0, 100, 300, 600, 900, 1200] {
        let mut process = command(Some("local"), Ending::Kill)
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("hold was built with this test");
        eventually("a cluster's watcher", || processes().contains(&*temporary.path().to_string_lossy()));
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        process.kill().expect("it lives");
        process.wait().expect("our child");
        eventually(format_args!("killed after {milliseconds} ms, it leaves no directory"), is_empty);
        eventually(format_args!("killed after {milliseconds} ms, it leaves no process"), || {
            !processes().contains(&*temporary.path().to_string_lossy())
        });
    }
}

#[test]
fn a_process_killed_while_its_container_starts_leaves_nothing() {
    let ours = |process: &std::process::Child| format!("name=output_port_usage_{}_", process.id());
    if !docker(&["version"]) {
        println!("no Docker here: no container can start, which another test asserts");
        return;
    }
    for milliseconds in [100, 1000] {
        let mut process = command(Some("docker"), Ending::Kill)
            .stdout(Stdio::null())
            .spawn()
            .expect("hold was built with this test");
        let watched = format!("output_port_usage_{}_", process.id());
        eventually("a container's watcher", || processes().contains(&watched));
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        process.kill().expect("it lives");
        process.wait().expect("our child");
        // The watcher looks again for a while, lest the daemon be late; then it has the last word.
        eventually(format_args!("killed after {milliseconds} ms, it leaves no watcher"), || {
            !processes().contains(&watched)
        });
        let output = Command::new("docker").args(["ps", "-aq", "--filter", &ours(&process)]).output();
        assert_eq!(output.expect("docker is here").stdout, b"", "killed after {milliseconds} ms");
    }
}

fn has_binaries() -> bool {
    Command::new("/bin/sh")
        .args(["-c", "command -v postgres || ls -d /usr/lib/postgresql/1[4-9]/bin/postgres /usr/pgsql-1[4-9]/bin/postgres /opt/homebrew/opt/postgresql*/bin/postgres /usr/local/opt/postgresql*/bin/postgres 2>/dev/null | grep ."])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn docker(arguments: &[&str]) -> bool {
    Command::new("docker")
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Every process's command line.
fn processes() -> String {
    if let Ok(entries) = fs::read_dir("/proc") {
        let lines = entries.flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
        return lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect();
    }
    let output =
        Command::new("ps").args(["-axo", "command"]).output().expect("a system without /proc has ps");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
