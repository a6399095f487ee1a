use std::fmt;

/// A way of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    CopyHeap,
    CopyKeyed,
    /// DELETE and COPY of the window.
    DeleteCopy,
    Upsert {
        foreign_keys: bool,
    },
    Replace {
        foreign_keys: bool,
    },
    /// Into tables that have rows; into empty ones, whose keys are added after loading, it is twice as fast.
    Backfill {
        foreign_keys: bool,
    },
    /// `INSERT … VALUES … ON CONFLICT DO UPDATE` for each output port, up to 1,000 rows a statement.
    Values,
}

impl Method {
    pub(super) const FIRST: [Self; 9] = [
        Self::CopyHeap,
        Self::CopyKeyed,
        Self::Upsert { foreign_keys: false },
        Self::Replace { foreign_keys: false },
        Self::Backfill { foreign_keys: false },
        Self::Values,
        Self::Upsert { foreign_keys: true },
        Self::Replace { foreign_keys: true },
        Self::Backfill { foreign_keys: true },
    ];
    /// A history into empty tables.
    pub(super) const HISTORY: [Self; 4] = [
        Self::CopyHeap,
        Self::CopyKeyed,
        Self::Upsert { foreign_keys: false },
        Self::Backfill { foreign_keys: false },
    ];
    pub(super) const AGAIN: [Self; 6] = [
        Self::DeleteCopy,
        Self::Upsert { foreign_keys: false },
        Self::Replace { foreign_keys: false },
        Self::Values,
        Self::Upsert { foreign_keys: true },
        Self::Replace { foreign_keys: true },
    ];

    /// Whose first load it writes again.
    pub(super) fn first(self) -> Self {
        match self {
            Self::DeleteCopy => Self::CopyKeyed,
            other => other,
        }
    }

    pub(super) fn has_foreign_keys(self) -> bool {
        match self {
            Self::Upsert { foreign_keys }
            | Self::Replace { foreign_keys }
            | Self::Backfill { foreign_keys } => foreign_keys,
            _ => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CopyHeap => "COPY into a bare heap",
            Self::CopyKeyed => "COPY into the keyed table",
            Self::DeleteCopy => "DELETE and COPY of the window",
            Self::Upsert { foreign_keys: false } => "`upsert`",
            Self::Upsert { foreign_keys: true } => "`upsert`, foreign keys",
            Self::Replace { foreign_keys: false } => "`replace`",
            Self::Replace { foreign_keys: true } => "`replace`, foreign keys",
            Self::Backfill { foreign_keys: false } => "`backfill`",
            Self::Backfill { foreign_keys: true } => "`backfill`, foreign keys",
            Self::Values => "VALUES lists per output port",
        })
    }
}
