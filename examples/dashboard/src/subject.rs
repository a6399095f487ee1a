//! What a page is about: the id in its path, and the table that must know it.

use axum::extract::RawPathParams;
use output_port_usage::{ConsumerId, OutputPortId, TechAssetId};
use uuid::Uuid;

use crate::failure::Failure;
use crate::parents::{Parent, Parents};

/// What a page is about.
pub(crate) trait Subject: Copy + Send + Sync + 'static {
    /// What messages call it.
    const NAME: &str;

    fn of(path: &RawPathParams) -> Result<Self, Failure>;

    /// The id, and the table that knows it if it exists.
    fn parent(self, parents: &Parents) -> Option<(&Parent, Uuid)>;
}

/// All output ports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portal;

impl Subject for Portal {
    const NAME: &str = "portal";

    fn of(_: &RawPathParams) -> Result<Self, Failure> {
        Ok(Self)
    }

    fn parent(self, _: &Parents) -> Option<(&Parent, Uuid)> {
        None
    }
}

impl Subject for OutputPortId {
    const NAME: &str = "output port";

    fn of(path: &RawPathParams) -> Result<Self, Failure> {
        id(path).map(Self)
    }

    fn parent(self, parents: &Parents) -> Option<(&Parent, Uuid)> {
        Some((&parents.output_ports, self.0))
    }
}

impl Subject for TechAssetId {
    const NAME: &str = "tech asset";

    fn of(path: &RawPathParams) -> Result<Self, Failure> {
        id(path).map(Self)
    }

    fn parent(self, parents: &Parents) -> Option<(&Parent, Uuid)> {
        Some((&parents.tech_assets, self.0))
    }
}

impl Subject for ConsumerId {
    const NAME: &str = "consumer";

    fn of(path: &RawPathParams) -> Result<Self, Failure> {
        id(path).map(Self)
    }

    fn parent(self, parents: &Parents) -> Option<(&Parent, Uuid)> {
        Some((&parents.consumers, self.0))
    }
}

fn id(path: &RawPathParams) -> Result<Uuid, Failure> {
    let text = path.iter().next().map_or("", |(_, text)| text);
    text.parse().map_err(|_| Failure::asked(format!("the id in the path is no UUID: {}", shown(text))))
}

/// As much of a text from outside as a message has room for.
pub(crate) fn shown(text: &str) -> String {
    const ROOM: usize = 60;
    let mut shown: String = text.chars().take(ROOM).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
