//! Whether the days of a chart were measured.

use serde::{Deserialize, Serialize};

use crate::row::Columns;

/// Whether the requested days of a bucket, or of a whole chart, were measured.
///
/// A host draws a gap instead of a zero where they were not. In JSON the values are `measured`, `unsettled`, `partly`
/// and `not_measured`.
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Coverage {
    /// All of the days, and no later run is expected to change them.
    Measured,
    /// All of the days, some of which a later run may still change.
    Unsettled,
    /// Some of the days.
    Partly,
    /// None of the days.
    NotMeasured,
}

impl Coverage {
    /// Whether every day was measured, settled or not: only then is a zero a zero.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Measured | Self::Unsettled)
    }

    /// Its word in JSON and files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Unsettled => "unsettled",
            Self::Partly => "partly",
            Self::NotMeasured => "not_measured",
        }
    }

    /// What the first letter of a word of the statements stands for.
    fn of(letter: char) -> Self {
        match letter {
            'm' => Self::Measured,
            'u' => Self::Unsettled,
            'p' => Self::Partly,
            _ => Self::NotMeasured,
        }
    }

    /// Reads a column with a word; NULL without coverage.
    pub(super) fn read<C: Columns>(row: &C, column: &'static str) -> Result<Option<Self>, C::Error> {
        let word = row.text_or_null(column)?;
        Ok(word.and_then(|word| word.chars().next()).map(Self::of))
    }

    /// Reads a column with a letter for each bucket; NULL without coverage.
    pub(super) fn read_each<C: Columns>(
        row: &C,
        column: &'static str,
    ) -> Result<Option<Vec<Self>>, C::Error> {
        Ok(row.text_or_null(column)?.map(|letters| letters.chars().map(Self::of).collect()))
    }
}
