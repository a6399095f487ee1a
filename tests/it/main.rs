//! The integration tests, one binary; modules mirror `src`.
