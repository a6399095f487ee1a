//! The guide shows the code as it is.

const GUIDE: &str = include_str!("../../../../src/docs/dashboard.md");
const SOURCE: &str = concat!(
    include_str!("../../src/api/output_port.rs"),
    include_str!("../../src/failure.rs"),
    include_str!("../../src/host.rs"),
    include_str!("../../src/page.rs"),
);

#[test]
fn every_piece_of_code_in_the_guide_is_in_the_source() {
    let pieces: Vec<&str> = GUIDE
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|piece| piece.strip_prefix("rust,ignore\n"))
        .collect();
    assert_eq!(pieces.len(), 4);
    for piece in pieces {
        assert!(SOURCE.contains(piece), "not in the source:\n{piece}");
    }
}
