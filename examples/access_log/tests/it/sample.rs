//! The committed sample is what its seed gives.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use access_log::{Mapping, Portal, Shape, write_log};
use flate2::read::GzDecoder;

fn sample(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample").join(file)
}

#[test]
fn the_committed_sample_is_what_its_seed_gives() {
    let mut committed = Vec::new();
    GzDecoder::new(File::open(sample("log.jsonl.gz")).unwrap()).read_to_end(&mut committed).unwrap();
    let portal = Portal::new(Shape::default()).unwrap();
    let mut made = Vec::new();
    write_log(&portal, portal.events(), &mut made).unwrap();
    let hint = "write it again: cargo run -p access-log -- --out examples/sample --force";
    assert!(committed == made, "{hint}");
    let mapping = Mapping::read(File::open(sample("mapping.json")).unwrap()).unwrap();
    assert_eq!(&mapping, portal.mapping(), "{hint}");
}

#[test]
fn the_committed_sample_is_under_a_megabyte_compressed() {
    let bytes = std::fs::metadata(sample("log.jsonl.gz")).unwrap().len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
}

#[test]
fn another_seed_gives_another_log_and_other_ids() {
    let log = |seed| {
        let portal = Portal::new(Shape { seed, queries: 50, ..Shape::default() }).unwrap();
        let mut text = Vec::new();
        write_log(&portal, portal.events(), &mut text).unwrap();
        (text, portal.mapping().output_ports[0].id)
    };
    assert_eq!(log(7), log(7));
    let ((seventh, id_of_seventh), (eighth, id_of_eighth)) = (log(7), log(8));
    assert!(seventh != eighth && id_of_seventh != id_of_eighth);
}
