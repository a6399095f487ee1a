//! Each target over its corpus and over seeded mutations of it, so that none of them rots.

use std::path::Path;
use std::{fs, panic};

use fuzz_targets::{TARGETS, Target};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Runs a target over its corpus, and over so many inputs made of it.
fn run(name: &str, mutations: u32) {
    let (_, target): (_, Target) = *TARGETS.iter().find(|(other, _)| *other == name).unwrap();
    let corpus = corpus(name);
    assert!(!corpus.is_empty());
    corpus.iter().for_each(|input| try_input(target, input));
    let mut random = Random(Xoshiro256PlusPlus::seed_from_u64(mutations.into()));
    for _ in 0..mutations {
        let mut input = random.one_of(&corpus).clone();
        for _ in 0..=random.below(3) {
            mutate(&mut input, &corpus, &mut random);
        }
        input.truncate(1 << 14);
        try_input(target, &input);
    }
}

/// Runs a target over one input, which is shown where it fails.
fn try_input(target: Target, input: &[u8]) {
    if let Err(fault) = panic::catch_unwind(|| target(input)) {
        eprintln!("the input: {}", input.escape_ascii());
        panic::resume_unwind(fault);
    }
}

struct Random(Xoshiro256PlusPlus);

impl Random {
    /// A number below `end`, or zero.
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// A stretch of an input, of few bytes mostly.
    fn stretch(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        let most = *self.one_of(&[1, 4, 16, 256]);
        start..len.min(start + self.below(most + 1))
    }
}

/// What tends to end something: a quote, a line, a list, a number.
const WORDS: [&str; 24] = [
    "\"", "'", "\\", "\\u0000", "\u{0}", "\n", "␤", "$1", "--", "/*", "*/", ";", ".", ".*", "{", "}", "[",
    "]", ",", "null", "-1", "1e999", "🦀", "\u{202e}",
];

fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let stretch = random.stretch(input.len());
    let put: Vec<u8> = match random.below(5) {
        0 => Vec::new(),
        1 => vec![random.below(256) as u8],
        2 => random.one_of(&WORDS).as_bytes().to_vec(),
        3 => input[random.stretch(input.len())].to_vec(),
        _ => {
            let other = random.one_of(corpus);
            other[random.stretch(other.len())].to_vec()
        }
    };
    let place = if random.below(2) == 0 { stretch.start..stretch.start } else { stretch };
    input.splice(place, put);
}

#[test]
fn every_target_has_a_corpus_and_no_corpus_is_without_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}

#[test]
fn log_lines_are_records_or_refused() {
    run("log_lines", 300);
}

#[test]
fn mapping_files_are_read_or_refused() {
    run("mapping_files", 1_500);
}

#[test]
fn model_files_are_read_or_refused() {
    run("model_files", 500);
}

#[test]
fn names_are_names_or_refused() {
    run("names", 400);
}

#[test]
fn result_rows_are_decoded_or_refused() {
    run("result_rows", 5_000);
}

#[test]
fn texts_stay_texts_in_sql() {
    run("sql_texts", 20);
}
